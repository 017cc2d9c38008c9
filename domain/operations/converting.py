"""Key actions as pairs: started, completed, cancelled; each with the send that led there (definitions §4.3).

Objects are the same at both ends: `booking:visit`, `coupon:KEY`, `form:KEY`, `registration:card`,
`check_in:STORE`, `order:REF`. What exactly was booked or issued is in `data`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.recording import record
from models.event import Event

# How long before a completion its start may lie (definitions §4.3, "wait").
WAITS = {
    "booking": timedelta(hours=24),
    "coupon_claim": timedelta(hours=24),
    "form": timedelta(hours=24),
    "registration": timedelta(hours=24),
    "check_in": timedelta(hours=1),
    "order": timedelta(hours=72),
}


@dataclass(frozen=True)
class Trace:
    """The send a person came from: the campaign (or automation), and the one personal message of it."""

    campaign_id: int | None = None
    message_id: int | None = None


NOWHERE = Trace()


def start(
    session: Session,
    *,
    member_id: int,
    type: str,
    object: str,
    source: str,
    trace: Trace = NOWHERE,
    data: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """Opening twice on a day is one start."""
    day = calendar_of(session).day_of(now)
    record(
        session, "conversion_started", member_id=member_id, source=source, object=object,
        campaign_id=trace.campaign_id, message_id=trace.message_id,
        data={"type": type, **(data or {})},
        dedupe_key=f"start:{member_id}:{object}:{day}", now=now,
    )  # fmt: skip


def complete(
    session: Session,
    *,
    member_id: int,
    type: str,
    object: str,
    source: str,
    once: str,
    trace: Trace = NOWHERE,
    data: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """Finishing without a recorded start adds one, marked implied, so that no rate exceeds 100 %."""
    if not _has_start(session, member_id, object, now - WAITS[type]):
        start(
            session, member_id=member_id, type=type, object=object, source=source, trace=trace,
            data={"implied": True}, now=now,
        )  # fmt: skip
    record(
        session, "conversion_completed", member_id=member_id, source=source, object=object,
        campaign_id=trace.campaign_id, message_id=trace.message_id,
        data={"type": type, **(data or {})}, dedupe_key=f"complete:{once}", now=now,
    )  # fmt: skip


def cancel(
    session: Session,
    *,
    member_id: int,
    type: str,
    object: str,
    source: str,
    once: str,
    data: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    record(
        session, "conversion_cancelled", member_id=member_id, source=source, object=object,
        data={"type": type, **(data or {})}, dedupe_key=f"cancel:{once}", now=now,
    )  # fmt: skip


def started_today(session: Session, member_id: int, objects: Collection[str], *, now: datetime) -> set[str]:
    """Which of `objects` this person has opened today, so that opening again need not write."""
    found = select(Event.object).where(
        Event.member_id == member_id,
        Event.kind == "conversion_started",
        Event.object.in_(objects),
        Event.day == calendar_of(session).day_of(now),
    )
    return {each for each in session.scalars(found) if each}


def _has_start(session: Session, member_id: int, object: str, since: datetime) -> bool:
    found = select(Event.id).where(
        Event.member_id == member_id,
        Event.kind == "conversion_started",
        Event.object == object,
        Event.occurred_at >= since,
    )
    return session.scalar(found.limit(1)) is not None
