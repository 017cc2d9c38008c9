"""The waitlist of a full slot: joined, left, and worked through one held seat at a time (features L15)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.operations import seating
from domain.operations.converting import NOWHERE, Trace
from domain.operations.seating import clock_words
from domain.wording import mark
from models.member import Member
from models.merge import via_of
from models.session import insert_for
from models.store import Booking, Slot, WaitlistEntry

OPEN = ("waiting", "offered")


def join(session: Session, member: Member, *, slot_id: int, now: datetime) -> WaitlistEntry:
    """Puts the person at the end of the line; asking again answers the same place."""
    seating.require_registered(member)
    seating.the_slot(session, slot_id)
    # Under the slot's lock, a seat that is freed meanwhile is either seen here or offered to us.
    slot = seating.locked(session, [slot_id])[slot_id]
    already = seating.live_entry(session, member.id, slot_id)
    if already is not None:
        return already
    _require_worth_waiting(session, member, slot, now=now)
    values = {
        "slot_id": slot_id, "member_id": member.id, "via_id": via_of(session, member.id), "state": "waiting",
        "created_at": now, "state_at": now,
    }  # fmt: skip
    statement = insert_for(session)(WaitlistEntry).values(values)
    session.execute(
        statement.on_conflict_do_nothing(
            index_elements=["slot_id", "member_id"], index_where=text("state IN ('waiting', 'offered')")
        )
    )
    entry = seating.live_entry(session, member.id, slot_id)
    assert entry is not None
    return entry


def _require_worth_waiting(session: Session, member: Member, slot: Slot, *, now: datetime) -> None:
    time = clock_words(session, slot.starts_at)
    if slot.starts_at <= now:
        raise Conflict(
            mark("%(time)s has begun and can no longer be booked. Pick a later time."), code="slot_over", time=time
        )
    if seating.live_booking(session, member.id, slot.id):
        raise Conflict(
            mark("You already have a seat at %(time)s, so there is nothing to wait for. It is under your bookings."),
            code="already_booked",
            time=time,
        )
    if slot.seats_left > 0:
        raise Conflict(
            mark("There is a seat at %(time)s, so nobody has to wait. Book it now."), code="seat_open", time=time
        )


def leave(session: Session, member: Member, *, entry_id: int, now: datetime) -> None:
    """Steps out of the line; a seat held for them goes to the next. Twice is once."""
    entry = _own(session, member, entry_id)
    slot = seating.locked(session, [entry.slot_id])[entry.slot_id]
    session.refresh(entry)
    if entry.state not in OPEN:
        return
    _end(session, slot, entry, state="left", reason=None, now=now)


def accept(
    session: Session, entry_id: int, member: Member, *, trace: Trace = NOWHERE, source: str = "liff", now: datetime
) -> Booking:
    """Takes the seat held for this person. Pressing the button again answers the same booking."""
    entry = _own(session, member, entry_id)
    booked = seating.live_booking(session, member.id, entry.slot_id)
    if booked is not None:
        return booked
    slot = seating.the_slot(session, entry.slot_id)
    if not _holds(session, entry, now=now) or not seating.take(session, slot.id, member.id, now=now):
        session.refresh(entry)
        raise seating.offer_over(session, entry) if entry.state != "waiting" else _not_yet(session, slot)
    booking = seating.seat(session, member.id, slot, now=now)
    assert booking is not None
    seating.confirm(session, member, booking, source=source, trace=trace, now=now)
    return booking


def _holds(session: Session, entry: WaitlistEntry, *, now: datetime) -> bool:
    seating.locked(session, [entry.slot_id])
    session.refresh(entry)
    return entry.state == "offered" and entry.offered_until is not None and entry.offered_until > now


def _not_yet(session: Session, slot: Slot) -> Conflict:
    return Conflict(
        mark("No seat at %(time)s is free yet, so your place in line stays. We tell you when it is your turn."),
        code="not_your_turn",
        time=clock_words(session, slot.starts_at),
    )


def pass_on(session: Session, now: datetime) -> int:
    """Ends holds that ran out and waits whose time has come, and offers each freed seat on. Returns how many ended.

    Safe to repeat. Slots are taken in the order of their ids, so that two runs never wait in a circle.
    """
    over = or_(
        (WaitlistEntry.state == "offered") & (WaitlistEntry.offered_until <= now),
        WaitlistEntry.state.in_(OPEN) & (Slot.starts_at <= now),
    )
    due = select(WaitlistEntry.slot_id).join(Slot).where(over).distinct().order_by(WaitlistEntry.slot_id)
    ended = 0
    for slot_id in session.scalars(due).all():
        slot = seating.locked(session, [slot_id])[slot_id]
        entries = select(WaitlistEntry).join(Slot).where(over, WaitlistEntry.slot_id == slot_id)
        for entry in session.scalars(entries.execution_options(populate_existing=True)).all():
            _end(session, slot, entry, state="passed", reason=_reason(slot, now), now=now, offer=False)
            ended += 1
        seating.offer(session, slot, now=now)
    return ended


def _reason(slot: Slot, now: datetime) -> str:
    return "begun" if slot.starts_at <= now else "no_answer"


def _end(
    session: Session,
    slot: Slot,
    entry: WaitlistEntry,
    *,
    state: str,
    reason: str | None,
    now: datetime,
    offer: bool = True,
) -> None:
    """Ends a place in the line of a locked slot."""
    if entry.state == "offered":
        slot.held -= 1
    entry.state, entry.state_at, entry.reason = state, now, reason
    session.flush()
    if offer:
        seating.offer(session, slot, now=now)


def _own(session: Session, member: Member, entry_id: int) -> WaitlistEntry:
    entry = session.get(WaitlistEntry, entry_id)
    if entry is None or entry.member_id != member.id:
        raise NotFound(mark("You are not on this waitlist. Pick a time to join one."), code="entry_not_found")
    return entry


def places(session: Session, entries: Sequence[WaitlistEntry]) -> dict[int, int]:
    """Entry id → place in line, 1 for the first; those with a seat held count as before everyone."""
    other = WaitlistEntry.__table__.alias("other")
    ahead = (
        select(func.count())
        .select_from(other)
        .where(
            other.c.slot_id == WaitlistEntry.slot_id,
            or_(other.c.state == "offered", (other.c.state == "waiting") & (other.c.id < WaitlistEntry.id)),
            other.c.id != WaitlistEntry.id,
        )
        .scalar_subquery()
    )
    rows = session.execute(select(WaitlistEntry.id, ahead).where(WaitlistEntry.id.in_([each.id for each in entries])))
    return {row[0]: row[1] + 1 for row in rows}


def chain(session: Session, slot_id: int) -> Sequence[WaitlistEntry]:
    """Everyone who waited for this slot, in order, for staff: who was offered, who took it, who was passed and why."""
    line = select(WaitlistEntry).where(WaitlistEntry.slot_id == slot_id).order_by(WaitlistEntry.id)
    return session.scalars(line).all()
