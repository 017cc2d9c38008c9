"""Booking a visit: a seat taken, moved or given back. A slot is never overbooked, whatever runs at the same time."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, NotFound, Refusal
from domain.messages import booking_cancelled, booking_changed
from domain.operations import converting, seating, speaking
from domain.operations.converting import NOWHERE, Trace
from domain.operations.seating import clock_words
from domain.wording import mark
from models.member import Member
from models.store import Booking, Slot, Store


def book(
    session: Session,
    member: Member,
    *,
    slot_id: int,
    source: str = "liff",
    trace: Trace = NOWHERE,
    is_walk_in: bool = False,
    now: datetime,
) -> Booking:
    """Takes a seat; asking again answers the same booking. Raises a Refusal that says what is left."""
    seating.require_registered(member)
    slot = seating.the_slot(session, slot_id)
    already = seating.live_booking(session, member.id, slot_id)
    if already is not None:
        return already
    if not seating.take(session, slot_id, member.id, past=is_walk_in, now=now):
        # The person's other tap may have taken the last seat while this one waited.
        already = seating.live_booking(session, member.id, slot_id)
        if already is not None:
            return already
        raise no_seat(session, slot, now=now)
    booking = seating.seat(session, member.id, slot, is_walk_in=is_walk_in, now=now)
    if booking is None:
        return _give_back(session, member, slot_id, now=now)
    seating.confirm(session, member, booking, source=source, trace=trace, now=now)
    return booking


def _give_back(session: Session, member: Member, slot_id: int, *, now: datetime) -> Booking:
    """The same person's other request was first: one seat is enough."""
    seating.free(session, seating.locked(session, [slot_id])[slot_id], now=now)
    booking = seating.live_booking(session, member.id, slot_id)
    assert booking is not None
    return booking


def change(session: Session, booking: Booking, *, slot_id: int, by: str = "member", now: datetime) -> Booking:
    """Moves the booking to another slot: the new seat is taken and the old one freed, or nothing happens."""
    seating.lock_booking(session, booking)
    if slot_id == booking.slot_id:
        return booking
    new = seating.the_slot(session, slot_id)
    slots = seating.locked(session, [booking.slot_id, slot_id])
    _require_changeable(session, booking, by=by, now=now)
    if seating.live_booking(session, booking.member_id, slot_id):
        raise Conflict(
            mark("You already have a booking at %(time)s, so this one stays as it is. Cancel it if one is enough."),
            code="already_booked",
            time=clock_words(session, new.starts_at),
        )
    if not seating.take(session, slot_id, booking.member_id, now=now):
        raise no_seat(session, new, now=now)
    old, was = slots[booking.slot_id], booking.starts_at
    booking.slot_id, booking.store_id = new.id, new.store_id
    booking.starts_at, booking.ends_at, booking.state_at = new.starts_at, new.ends_at, now
    session.flush()
    session.refresh(booking)
    seating.free(session, old, now=now)
    _say_changed(session, booking, was, now=now)
    return booking


def _say_changed(session: Session, booking: Booking, was: datetime, *, now: datetime) -> None:
    member = session.get_one(Member, booking.member_id)
    speaking.say(
        session, member, booking_changed.render(session, member, booking, was=was), kind="service",
        once=f"booking:{booking.ref}:changed:{now.isoformat()}", now=now,
    )  # fmt: skip


def cancel(session: Session, booking: Booking, *, by: str = "member", now: datetime) -> Booking:
    """Gives the seat back. Members until the store's deadline, staff at any time; twice is once."""
    seating.lock_booking(session, booking)
    if booking.state == "cancelled":
        return booking
    _require_changeable(session, booking, by=by, now=now)
    slot = seating.locked(session, [booking.slot_id])[booking.slot_id]
    booking.state, booking.state_at = "cancelled", now
    session.flush()
    converting.cancel(
        session, member_id=booking.member_id, type="booking", object=seating.VISIT,
        source="liff" if by == "member" else "staff", once=f"booking:{booking.ref}",
        data={"booking": booking.ref, "by": by}, now=now,
    )  # fmt: skip
    member = session.get_one(Member, booking.member_id)
    speaking.say(
        session, member, booking_cancelled.render(session, member, booking, by=by), kind="service",
        once=f"booking:{booking.ref}:cancelled", now=now,
    )  # fmt: skip
    seating.free(session, slot, now=now)
    return booking


def changeable_until(booking: Booking) -> datetime:
    """The last moment at which the member may change or cancel."""
    return booking.starts_at - timedelta(minutes=booking.store.change_deadline_minutes)


def may_change(booking: Booking, *, now: datetime) -> bool:
    return booking.state == "confirmed" and now <= changeable_until(booking)


def _require_changeable(session: Session, booking: Booking, *, by: str, now: datetime) -> None:
    if booking.state != "confirmed":
        raise Conflict(
            mark("This booking is no longer open, so it stays as it is. Book another time if you want to come again."),
            code="booking_closed",
        )
    if by == "member" and not may_change(booking, now=now):
        raise _too_late(session, booking)


def _too_late(session: Session, booking: Booking) -> Refusal:
    time = clock_words(session, changeable_until(booking))
    if booking.store.phone:
        words = mark(
            "Changes closed at %(time)s, so this booking stays. If you cannot come, call %(store)s: %(phone)s."
        )
        return Conflict(words, code="too_late", time=time, store=booking.store.name, phone=booking.store.phone)
    words = mark("Changes closed at %(time)s, so this booking stays. If you cannot come, write to us in the chat.")
    return Conflict(words, code="too_late", time=time)


def find(session: Session, member: Member, ref: str) -> Booking:
    """The member's own booking. Raises NotFound for anyone else's too."""
    booking = session.scalar(select(Booking).where(Booking.ref == ref, Booking.member_id == member.id))
    if booking is None:
        raise NotFound(
            mark("We cannot find this booking. Your bookings are listed under Book."), code="booking_not_found"
        )
    return booking


def no_seat(session: Session, slot: Slot, *, now: datetime) -> Refusal:
    """Why there is no seat, and what is left."""
    slot = seating.the_slot(session, slot.id)
    time = clock_words(session, slot.starts_at)
    if slot.starts_at <= now:
        return Conflict(
            mark("%(time)s has begun and can no longer be booked. Pick a later time."), code="slot_over", time=time
        )
    other = _nearest_with_seats(session, slot, now=now)
    if other is None:
        words = mark(
            "The last seat at %(time)s has just been taken, and the day is full. "
            "Join the waitlist, and we tell you when a seat is free."
        )
        return Conflict(words, code="slot_full", time=time)
    values = {"time": time, "other": clock_words(session, other.starts_at), "n": other.seats_left}
    if other.seats_left == 1:
        words = mark(
            "The last seat at %(time)s has just been taken. One seat is left at %(other)s: "
            "book that, or join the waitlist for %(time)s."
        )
    else:
        words = mark(
            "The last seat at %(time)s has just been taken. %(n)s seats are left at %(other)s: "
            "book that, or join the waitlist for %(time)s."
        )
    return Conflict(words, code="slot_full", **values)


def _nearest_with_seats(session: Session, slot: Slot, *, now: datetime) -> Slot | None:
    """The slot of the same store and day that is nearest in time and has a seat."""
    calendar = calendar_of(session)
    day = calendar.day_of(slot.starts_at)
    same_day = select(Slot).where(
        Slot.store_id == slot.store_id,
        Slot.starts_at >= max(calendar.start(day), now),
        Slot.starts_at < calendar.end(day),
        Slot.taken + Slot.held < Slot.capacity,
    )
    near = session.scalars(same_day.join(Store).where(Store.is_open)).all()
    return min(near, key=lambda other: abs(other.starts_at - slot.starts_at), default=None)
