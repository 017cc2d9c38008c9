"""Being in the store without more: one visit per person, store and day, however often the code is scanned."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, NotFound
from domain.operations import converting, missions, recording, tiering
from domain.operations.auditing import audit
from domain.wording import mark
from models.event import Event
from models.member import Member
from models.programme import the_brand
from models.store import Store

UNDO = timedelta(minutes=10)


def visit(
    session: Session,
    member: Member,
    store: Store,
    *,
    how: str = "check_in",
    booking_ref: str | None = None,
    staff_id: int | None,
    now: datetime,
) -> bool:
    """Checks the person in; False when they were already in this store today (nothing is written then)."""
    data = {"store": store.key, "how": how, **({"booking": booking_ref} if booking_ref else {})}
    occasion = _occasion(session, member, store, now=now)
    is_new = recording.record(
        session, "visited", member_id=member.id, source="staff", object=store.key, data=data,
        dedupe_key=f"visited:{occasion}", now=now,
    )  # fmt: skip
    if is_new:
        if the_brand(session).tiers_by == "visits":
            tiering.settle(session, [member.id], now=now)
        converting.complete(
            session, member_id=member.id, type="check_in", object=f"check_in:{store.key}", source="staff",
            once=occasion, data={"store": store.key}, now=now,
        )  # fmt: skip
        audit(
            session, staff_id=staff_id, action="checked_in", member_id=member.id, object=f"store:{store.key}", now=now
        )
        missions.settle(session, [member.id], now=now)
    return is_new


def visit_today(session: Session, member: Member, store: Store, *, now: datetime) -> Event | None:
    """Today's check-in of this person in this store, if there was one."""
    key = f"visited:{_occasion(session, member, store, now=now)}"
    return session.scalar(select(Event).where(Event.dedupe_key == key))


def undo(session: Session, member: Member, store: Store, *, staff_id: int | None, now: datetime) -> None:
    """Takes today's check-in back within ten minutes, as if it had not been; the audit keeps both."""
    event = visit_today(session, member, store, now=now)
    if event is None:
        raise NotFound(mark("There is no check-in of today to take back. Look at the list again."))
    if now - event.recorded_at > UNDO:
        raise Conflict(mark("This check-in is more than ten minutes old, so it stays. Write a note if it was wrong."))
    occasion = _occasion(session, member, store, now=now)
    recording.unrecord(
        session, [f"visited:{occasion}", f"complete:{occasion}", *_implied_start(session, member, store, now=now)]
    )
    audit(
        session, staff_id=staff_id, action="undid_check_in", member_id=member.id, object=f"store:{store.key}", now=now
    )
    missions.settle(session, [member.id], now=now)


def _implied_start(session: Session, member: Member, store: Store, *, now: datetime) -> list[str]:
    """The start that was only there because of the completion goes with it; one of the person's own stays."""
    key = f"start:{member.id}:check_in:{store.key}:{calendar_of(session).day_of(now)}"
    start = session.scalar(select(Event).where(Event.dedupe_key == key))
    return [key] if start is not None and start.data.get("implied") else []


def _occasion(session: Session, member: Member, store: Store, *, now: datetime) -> str:
    return f"check_in:{member.id}:{store.key}:{calendar_of(session).day_of(now)}"
