"""A person becomes, or stops being, a friend of the LINE account."""

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.messages import welcome
from domain.operations import speaking
from domain.operations.recording import record
from models.channel import the_channel
from models.member import Friend, Identity, Member


def new_ref() -> str:
    """A member's public reference: unguessable, easy to read out."""
    alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    return "M" + "".join(secrets.choice(alphabet) for _ in range(11))


def friend_of(session: Session, user_id: str, *, language: str | None = None, now: datetime) -> Friend:
    """The person behind a LINE user id, made known at first touch."""
    channel = the_channel(session)
    friend = session.scalar(select(Friend).where(Friend.channel_id == channel.id, Friend.user_id == user_id))
    if friend is not None:
        return friend
    member = Member(ref=new_ref(), created_at=now, language=language)
    session.add(member)
    session.flush()
    friend = Friend(channel_id=channel.id, member_id=member.id, user_id=user_id)
    session.add(friend)
    session.add(
        Identity(member_id=member.id, kind="line", value=user_id, source="line", created_at=now, verified_at=now)
    )
    session.flush()
    session.refresh(friend)
    return friend


def follow(
    session: Session,
    *,
    user_id: str,
    is_unblocked: bool,
    at: datetime,
    reply_token: str | None,
    reply_until: datetime | None,
    now: datetime,
) -> Friend:
    """Records a follow (or unblock) that happened `at`, and welcomes the person.

    An older follow arriving after a newer unfollow changes nothing but the log.
    """
    friend = friend_of(session, user_id, now=now)
    record(
        session,
        "followed",
        member_id=friend.member_id,
        source="line",
        occurred_at=at,
        data={"is_unblocked": is_unblocked, "entry_source": friend.member.entry_source},
        now=now,
    )
    if friend.state_at is not None and friend.state_at > at:
        return friend
    friend.is_following, friend.state_at = True, at
    friend.first_followed_at = friend.first_followed_at or at
    speaking.say(
        session,
        friend.member,
        welcome.render(session, friend.member),
        kind="service",
        once=f"welcome:{friend.id}:{at.timestamp():.3f}",
        reply_token=reply_token,
        reply_until=reply_until,
        now=now,
    )
    return friend
