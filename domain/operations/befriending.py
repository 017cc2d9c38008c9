"""A person becomes, or stops being, a friend of the LINE account."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, func, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager

from domain.messages import welcome
from domain.operations import speaking
from domain.operations.recording import is_news, record
from domain.wording import language_of
from models.channel import the_channel
from models.event import Event
from models.member import Friend, Identity, Member

# Made once: one of them runs for every event.
FRIEND = (
    select(Friend)
    .join(Friend.member)
    .options(contains_eager(Friend.member))
    .where(Friend.channel_id == bindparam("channel"), Friend.user_id == bindparam("user"))
)
FRIEND_ALONE = FRIEND.with_for_update(of=Friend)


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


def friend_of(
    session: Session, user_id: str, *, language: str | None = None, alone: bool = False, now: datetime
) -> Friend:
    """The person behind a LINE user id, made known at first touch. `alone`: nobody else may change it meanwhile."""
    friend = _found(session, user_id, alone=alone)
    if friend is not None:
        return friend
    try:
        with session.begin_nested():
            return _made(session, user_id, language=language, now=now)
    except IntegrityError:  # somebody else made them known a moment ago
        friend = _found(session, user_id, alone=alone)
        assert friend is not None
        return friend


def _found(session: Session, user_id: str, *, alone: bool = False) -> Friend | None:
    which = FRIEND_ALONE if alone else FRIEND
    friend = session.scalar(which, {"channel": the_channel(session).id, "user": user_id})
    session.info["friend"] = friend  # speaking to them asks for it again
    return friend


def _made(session: Session, user_id: str, *, language: str | None, now: datetime) -> Friend:
    """A friend row, on the person whose verified LINE identity this is, or on a new one."""
    known = select(Member).join(Identity, Identity.member_id == Member.id)
    member = session.scalar(
        known.where(Identity.kind == "line", Identity.value == user_id, Identity.verified_at.is_not(None))
    )
    if member is None:
        member = Member(**{**_blank(Member), "ref": new_ref(), "created_at": now, "language": language})
        session.add(member)
        session.flush()
        session.add(
            Identity(member_id=member.id, kind="line", value=user_id, source="line", created_at=now, verified_at=now)
        )
    channel_id = the_channel(session).id
    friend = Friend(**{**_blank(Friend), "channel_id": channel_id, "member_id": member.id, "user_id": user_id})
    session.add(friend)
    session.flush()
    session.expire(member, ["friend"])
    session.info["friend"] = friend
    return friend


@lru_cache
def _blank(kind: type[Any]) -> dict[str, None]:
    """Every column that may be empty, said to be: what is said need not be read back."""
    columns = inspect(kind).columns
    return {each.key: None for each in columns if each.nullable and each.default is None and not each.foreign_keys}


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
    friend = friend_of(session, user_id, alone=True, now=now)
    _keep_profile(friend, profile, now=now)
    is_late = friend.state_at is not None and friend.state_at > at
    if not is_late:
        friend.is_following, friend.state_at = True, at
        friend.first_followed_at = min(friend.first_followed_at or at, at)
    data = {"is_unblocked": is_unblocked, "entry_source": friend.member.entry_source}
    record(session, "followed", member_id=friend.member_id, source="line", occurred_at=at, data=data, now=now)
    if is_late or silent or not is_news(at, now=now):
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
    friend = friend_of(session, user_id, alone=True, now=now)
    record(session, "unfollowed", member_id=friend.member_id, source="line", occurred_at=at, now=now)
    if friend.state_at is None or friend.state_at <= at:
        # LINE forgets the person's own menu when they block.
        friend.is_following, friend.state_at, friend.menu_key = False, at, None
    session.flush()
    return friend


def introduce(session: Session, user_id: str, profile: Profile, *, now: datetime) -> None:
    """LINE told late who this friend is."""
    friend = _found(session, user_id, alone=True)
    if friend is not None and friend.profile_at is None:
        _keep_profile(friend, profile, now=now)
        session.flush()


def without_profile(session: Session, *, since: datetime, limit: int) -> Sequence[str]:
    """LINE user ids of some who followed since then, follow still, and of whom LINE has not told us who they are."""
    newcomers = (
        select(Event.member_id)
        .where(Event.kind == "followed", Event.day >= since.date(), Event.is_history.is_(False))
        .distinct()
    )
    unknown = select(Friend.user_id).where(
        Friend.member_id.in_(newcomers), Friend.profile_at.is_(None), Friend.is_following.is_(True)
    )
    # Not always the same ones: of some LINE never tells.
    return session.scalars(unknown.order_by(func.random()).limit(limit)).all()


def _keep_profile(friend: Friend, profile: Profile | None, *, now: datetime) -> None:
    if profile is None:
        return
    friend.display_name, friend.picture_url, friend.profile_at = profile.name, profile.picture_url, now
    if friend.member.language is None and profile.language:
        friend.member.language = language_of(profile.language, default="") or None
