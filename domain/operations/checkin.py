"""Staff say who came: arrived, did not come, walked in; each can be taken back for ten minutes."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, NotFound
from domain.operations import booking as booking_a_visit
from domain.operations import recording, seating, visiting
from domain.operations.auditing import audit
from domain.operations.visiting import UNDO
from domain.wording import mark
from models.member import Member
from models.store import Booking, Store


def arrive(session: Session, booking: Booking, *, staff_id: int | None, now: datetime) -> Booking:
    """Marks a booking as kept, which is a visit; twice is once. Who comes after being marked absent still came."""
    calendar = calendar_of(session)
    if calendar.day_of(booking.starts_at) != calendar.day_of(now):
        raise Conflict(
            mark("This booking is not for today, so nobody was checked in. Check them in as a walk-in instead.")
        )
    if _move(session, booking, ("confirmed", "no_show"), "arrived", now=now):
        _note(session, "arrived", booking, staff_id=staff_id, now=now)
        member, store = session.get_one(Member, booking.member_id), session.get_one(Store, booking.store_id)
        visiting.visit(session, member, store, how="booking", booking_ref=booking.ref, staff_id=staff_id, now=now)
    elif booking.state != "arrived":
        raise Conflict(
            mark("This booking was cancelled, so nobody was checked in. Check them in as a walk-in instead.")
        )
    return booking


def no_show(session: Session, booking: Booking, *, staff_id: int | None, now: datetime) -> Booking:
    """Marks a booking whose time has come as not kept; twice is once."""
    if booking.starts_at > now:
        raise Conflict(
            mark("This visit has not begun, so nobody is late yet. Cancel it if they said they cannot come.")
        )
    if _move(session, booking, ("confirmed",), "no_show", now=now):
        _note(session, "no_show", booking, staff_id=staff_id, now=now)
    elif booking.state != "no_show":
        raise Conflict(mark("Nothing changed: someone else has just marked this booking. Look at the list again."))
    return booking


def walk_in(session: Session, member: Member, *, slot_id: int, staff_id: int | None, now: datetime) -> Booking:
    """Takes a seat of a running slot for someone who is here without a booking, and checks them in."""
    booking = booking_a_visit.book(session, member, slot_id=slot_id, source="staff", is_walk_in=True, now=now)
    return arrive(session, booking, staff_id=staff_id, now=now)


def undo(session: Session, booking: Booking, *, staff_id: int | None, now: datetime) -> Booking:
    """Takes `arrived` or `no_show` back within ten minutes; a walk-in then gives up its seat."""
    if booking.state not in ("arrived", "no_show"):
        return booking
    if now - booking.state_at > UNDO:
        raise Conflict(mark("This is more than ten minutes old, so it stays. Write a note if it was wrong."))
    was = booking.state
    if not _move(session, booking, (was,), "cancelled" if booking.is_walk_in else "confirmed", now=now):
        raise Conflict(mark("Nothing changed: someone else has just marked this booking. Look at the list again."))
    _note(session, f"undid_{was}", booking, staff_id=staff_id, now=now)
    if was == "arrived":
        _take_back_visit(session, booking, staff_id=staff_id, now=now)
    if booking.is_walk_in:
        recording.unrecord(session, [f"complete:booking:{booking.ref}"])
        seating.free(session, seating.locked(session, [booking.slot_id])[booking.slot_id], now=now)
    return booking


def _take_back_visit(session: Session, booking: Booking, *, staff_id: int | None, now: datetime) -> None:
    """Only the visit this arrival made: who had been checked in before it stays so."""
    member, store = session.get_one(Member, booking.member_id), session.get_one(Store, booking.store_id)
    event = visiting.visit_today(session, member, store, now=now)
    if event is not None and event.data.get("booking") == booking.ref:
        visiting.undo(session, member, store, staff_id=staff_id, now=now)


def _move(session: Session, booking: Booking, froms: tuple[str, ...], to: str, *, now: datetime) -> bool:
    """One conditional write decides between two phones; `booking` then shows how it is."""
    moved = (
        update(Booking)
        .where(Booking.id == booking.id, Booking.state.in_(froms))
        .values(state=to, state_at=now)
        .returning(Booking.id)
    )
    won = session.execute(moved, execution_options={"synchronize_session": False}).first()
    session.refresh(booking)
    return won is not None


def _note(session: Session, action: str, booking: Booking, *, staff_id: int | None, now: datetime) -> None:
    audit(
        session, staff_id=staff_id, action=action, member_id=booking.member_id, object=f"booking:{booking.ref}", now=now
    )


def find(session: Session, ref: str, *, store_id: int | None) -> Booking:
    """The booking `ref`, of this store only when one is given. Raises NotFound."""
    booking = session.scalar(select(Booking).where(Booking.ref == ref))
    if booking is None or (store_id is not None and booking.store_id != store_id):
        raise NotFound(mark("There is no such booking in this store. Look at the list again."))
    return booking
