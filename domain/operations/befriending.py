"""A person becomes, or stops being, a friend of the LINE account."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.messages import welcome
from domain.operations import speaking
from domain.operations.recording import is_news, record
from domain.wording import language_of
from models.channel import the_channel
from models.member import Friend, Identity, Member


@dataclass(frozen=True)
class Profile:
    """What LINE shows of a person who follows us."""

    name: str | None = None
    picture_url: str | None = None
    language: str | None = None


def new_ref() -> str:
    """A member's public reference: unguessable, easy to read out."""
    alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    return "M" + "".join(secrets.choice(alphabet) for _ in range(11))


def friend_of(session: Session, user_id: str, *, language: str | None = None, now: datetime) -> Friend:
    """The person behind a LINE user id, made known at first touch."""
    friend = _found(session, user_id)
    if friend is not None:
        return friend
    try:
        with session.begin_nested():
            return _made(session, user_id, language=language, now=now)
    except IntegrityError:  # somebody else made them known a moment ago
        friend = _found(session, user_id)
        assert friend is not None
        return friend


def _found(session: Session, user_id: str) -> Friend | None:
    channel = the_channel(session)
    return session.scalar(select(Friend).where(Friend.channel_id == channel.id, Friend.user_id == user_id))


def _made(session: Session, user_id: str, *, language: str | None, now: datetime) -> Friend:
    """A friend row, on the person whose verified LINE identity this is, or on a new one."""
    known = select(Member).join(Identity, Identity.member_id == Member.id)
    member = session.scalar(
        known.where(Identity.kind == "line", Identity.value == user_id, Identity.verified_at.is_not(None))
    )
    if member is None:
        member = Member(ref=new_ref(), created_at=now, language=language)
        session.add(member)
        session.flush()
        session.add(
            Identity(member_id=member.id, kind="line", value=user_id, source="line", created_at=now, verified_at=now)
        )
    friend = Friend(channel_id=the_channel(session).id, member_id=member.id, user_id=user_id)
    session.add(friend)
    session.flush()
    session.refresh(friend)
    session.expire(member, ["friend"])
    return friend


def follow(
    session: Session,
    *,
    user_id: str,
    is_unblocked: bool,
    at: datetime,
    reply_token: str | None,
    reply_until: datetime | None,
    profile: Profile | None = None,
    silent: bool = False,
    now: datetime,
) -> Friend:
    """Records a follow (or unblock) that happened `at`, and welcomes the person.

    An older follow arriving after a newer unfollow changes nothing but the log. What is no news any
    more, or happened while another system held the chat (`silent`), is not answered.
    """
    friend = friend_of(session, user_id, now=now)
    _keep_profile(friend, profile, now=now)
    data = {"is_unblocked": is_unblocked, "entry_source": friend.member.entry_source}
    record(session, "followed", member_id=friend.member_id, source="line", occurred_at=at, data=data, now=now)
    if friend.state_at is not None and friend.state_at > at:
        return friend
    friend.is_following, friend.state_at = True, at
    friend.first_followed_at = min(friend.first_followed_at or at, at)
    session.flush()
    if silent or not is_news(at, now=now):
        return friend
    speaking.say(
        session,
        friend.member,
        welcome.render(session, friend.member, is_back=is_unblocked),
        kind="service",
        once=f"welcome:{friend.id}:{at.timestamp():.3f}",
        reply_token=reply_token,
        reply_until=reply_until,
        now=now,
    )
    return friend


def unfollow(session: Session, *, user_id: str, at: datetime, now: datetime) -> Friend:
    """Records a block that happened `at`: the person is kept, and sent nothing. A newer follow wins."""
    friend = friend_of(session, user_id, now=now)
    record(session, "unfollowed", member_id=friend.member_id, source="line", occurred_at=at, now=now)
    if friend.state_at is None or friend.state_at <= at:
        # LINE forgets the person's own menu when they block.
        friend.is_following, friend.state_at, friend.menu_key = False, at, None
    session.flush()
    return friend


def _keep_profile(friend: Friend, profile: Profile | None, *, now: datetime) -> None:
    if profile is None:
        return
    friend.display_name, friend.picture_url, friend.profile_at = profile.name, profile.picture_url, now
    if friend.member.language is None and profile.language:
        friend.member.language = language_of(profile.language, default="") or None
