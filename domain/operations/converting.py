"""Key actions as pairs: started, completed, cancelled; each with the send that led there (definitions §4.3).

Objects are the same at both ends: `booking:visit`, `coupon:KEY`, `form:KEY`, `registration:card`,
`check_in:STORE`, `order:REF`. What exactly was booked or issued is in `data`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.recording import PIECE, Happening, record, record_each
from models.event import Event
from models.merge import via_of
from models.rows import among

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
        dedupe_key=f"start:{via_of(session, member_id) or member_id}:{object}:{day}", now=now,
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
    via_id = via_of(session, member_id)
    done = Completion(member_id, object, once=once, at=now, source=source, trace=trace, data=data or {}, via_id=via_id)
    complete_many(session, [done], type=type, now=now)


@dataclass(frozen=True, slots=True)
class Completion:
    """One finished key action: whose, of what, and when it was finished, which may be before we learned of it."""

    member_id: int
    object: str
    once: str
    at: datetime
    source: str
    trace: Trace = NOWHERE
    data: Mapping[str, Any] = field(default_factory=dict)
    via_id: int | None = None  # as models/event.py

    def happening(self, dedupe_key: str, data: Mapping[str, Any]) -> Happening:
        return Happening(
            self.member_id, self.at, self.source, self.object, dict(data), dedupe_key,
            campaign_id=self.trace.campaign_id, message_id=self.trace.message_id, via_id=self.via_id,
        )  # fmt: skip


def complete_many(
    session: Session, done: Sequence[Completion], *, type: str, is_history: bool = False, now: datetime
) -> None:
    """The same for many, each at its own time."""
    calendar = calendar_of(session)
    starts = _starts(session, done)
    implied = [
        each.happening(
            f"start:{each.via_id or each.member_id}:{each.object}:{calendar.day_of(each.at)}",
            {"type": type, "implied": True},
        )
        for each in done
        if not any(start >= each.at - WAITS[type] for start in starts[(each.member_id, each.object)])
    ]
    record_each(session, "conversion_started", implied, is_history=is_history, now=now)
    completed = [each.happening(f"complete:{each.once}", {"type": type, **each.data}) for each in done]
    record_each(session, "conversion_completed", completed, is_history=is_history, now=now)


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


def _starts(session: Session, done: Sequence[Completion]) -> dict[tuple[int, str], list[datetime]]:
    """When these people started these actions."""
    starts: dict[tuple[int, str], list[datetime]] = defaultdict(list)
    for at in range(0, len(done), PIECE):
        part = done[at : at + PIECE]
        query = select(Event.member_id, Event.object, Event.occurred_at).where(
            among(session, Event.member_id, {each.member_id for each in part}),
            Event.kind == "conversion_started",
            among(session, Event.object, {each.object for each in part}),
        )
        for member_id, object, moment in session.execute(query):
            if member_id is not None and object is not None:
                starts[(member_id, object)].append(moment)
    return starts
