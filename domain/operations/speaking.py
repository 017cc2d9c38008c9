"""The one way to say something to one person: the rules of contact, then a row in the outbox."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from domain.calendar import Calendar, before_quiet_hours, calendar_of, parse_clock
from domain.messages._parts import Rendered
from domain.operations import linking
from domain.operations.capping import over_cap
from domain.operations.recording import insert_for
from models.member import Friend, Member
from models.outbox import OutgoingMessage
from models.programme import Brand, the_brand
from models.staff import care_is_open

RETRY_KEYS = uuid.UUID("6f0c2b7e-53f5-4a3c-9d0b-6d2f1a9c7e11")


@dataclass(frozen=True)
class Said:
    """What became of the wish to speak: its row in the outbox, or the reason there is none."""

    message_id: int | None
    reason: str | None = None


def say(
    session: Session,
    member: Member,
    rendered: Rendered,
    *,
    kind: str,
    once: str,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
    reply_token: str | None = None,
    reply_until: datetime | None = None,
    recipient_id: int | None = None,
    campaign_id: int | None = None,
    now: datetime,
) -> Said:
    """Puts `rendered` in the outbox for `member`, unless the rules of contact withhold it.

    `kind` is service or marketing (design §2). `once` names the occasion: saying it again is a no-op.
    The reason of a refusal is one of: no_line_id, blocked, erased, opted_out, care_open, cap, expired,
    repeated.
    """
    friend = _friend_of(session, member)
    reason = _refusal(session, member, friend, kind=kind, now=now)
    due, late = _when(session, kind=kind, due_at=due_at or now, expires_at=expires_at, now=now)
    if reason or late:
        return Said(None, reason or late)
    assert friend is not None
    traced = linking.Traced(session, rendered.messages, member_id=member.id, campaign_id=campaign_id, now=now)
    values = {
        "channel_id": friend.channel_id,
        "medium": "line",
        "member_id": member.id,
        "to": friend.user_id,
        "kind": kind,
        "name": rendered.name,
        "messages": traced.messages,
        "once": once,
        "recipient_id": recipient_id,
        "campaign_id": campaign_id,
        "created_at": now,
        "due_at": due,
        "expires_at": expires_at,
        "reply_token": reply_token,
        "reply_until": reply_until,
        "retry_key": retry_key(member, rendered, once),
    }
    written = session.execute(_one(insert_for(session)), values).first()
    if written is None:
        return Said(None, "repeated")
    traced.keep(session, written.id)
    return Said(written.id)


@lru_cache
def _one(insert: Callable[..., Any]) -> Any:
    """The statement, made once: it runs for every answer."""
    table = OutgoingMessage.__table__
    return insert(table).on_conflict_do_nothing(index_elements=["once"]).returning(table.c.id)


def retry_key(member: Member, rendered: Rendered, once: str) -> str:
    """The key of a letter, written with it, so that every attempt of every worker uses the same one (I4).

    An occasion may be named by the id of a row, and after a restore from a backup ids are used again: LINE would
    take the other letter for the one it had. So the person and the words are in the key; the same words to the
    same person are the same letter.
    """
    words = json.dumps([rendered.name, rendered.messages], sort_keys=True)
    return str(uuid.uuid5(RETRY_KEYS, f"{once}\n{member.ref}\n{words}"))


def contact_refusal(session: Session, member: Member, *, kind: str, now: datetime) -> str | None:
    """Why nothing may be said to this person now; None when it may."""
    return _refusal(session, member, _friend_of(session, member), kind=kind, now=now)


def _friend_of(session: Session, member: Member) -> Friend | None:
    """Their friendship. Who was met by it a moment ago need not be looked up again."""
    met: Friend | None = session.info.get("friend")
    if met is not None and met in session and met.member_id == member.id:
        return met
    return session.scalar(select(Friend).where(Friend.member_id == member.id))


def _refusal(session: Session, member: Member, friend: Friend | None, *, kind: str, now: datetime) -> str | None:
    if member.erased_at:
        return "erased"
    if friend is None:
        return "no_line_id"
    if friend.is_following is False:
        return "blocked"
    if kind == "service":
        return None
    if not member.marketing_consent:
        return "opted_out"
    too_much = over_cap(the_brand(session), at=now, member_ids=[member.id])
    reason = case((care_is_open(Member.id), "care_open"), (too_much, "cap"), else_=None)
    return session.scalar(select(reason).where(Member.id == member.id))


def _when(
    session: Session, *, kind: str, due_at: datetime, expires_at: datetime | None, now: datetime
) -> tuple[datetime, str | None]:
    """The moment to send, and `expired` when that would be too late."""
    brand, calendar = the_brand(session), calendar_of(session)
    due = out_of_quiet_hours(brand, calendar, due_at, kind=kind, now=now)
    return due, "expired" if expires_at is not None and due >= expires_at else None


def out_of_quiet_hours(brand: Brand, calendar: Calendar, due_at: datetime, *, kind: str, now: datetime) -> datetime:
    """`due_at` moved out of the quiet hours: marketing to their end, service to before they begin.

    Service that answers something just done (due now) is said at once, whatever the hour.
    """
    start, end = parse_clock(brand.quiet_from), parse_clock(brand.quiet_until)
    local = due_at.astimezone(calendar.zone)
    evening = local.time() >= start
    if not brand.is_quiet(due_at) or (kind == "service" and due_at <= now):
        return due_at
    if kind == "service":
        return max(now, before_quiet_hours(brand, calendar, due_at))
    ends = local.date() + timedelta(days=1) if evening and start > end else local.date()
    return calendar.at(ends, end)
