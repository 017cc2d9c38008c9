"""Seats of a slot: taken, freed, and held for the first in line. What booking and waiting have in common.

Lock whatever is about to change: a booking there is, then its slots by their id, then places in line; so
nobody waits in a circle. Taking a seat is one conditional write and needs no lock before it.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, NotAllowed, NotFound
from domain.messages import booking_confirmed, waitlist_offered
from domain.operations import converting, speaking
from domain.operations.converting import Trace
from domain.wording import mark
from models.member import Member
from models.merge import via_of
from models.session import insert_for
from models.store import Booking, Slot, WaitlistEntry

# How long a freed seat is held for the first in line (features L15).
HOLD = timedelta(minutes=15)
LIVE = ("confirmed", "arrived")
VISIT = "booking:visit"
WITHOUT_SYNC = {"synchronize_session": False}


def the_slot(session: Session, slot_id: int) -> Slot:
    """The slot as it is now. Raises NotFound."""
    slot = session.get(Slot, slot_id, populate_existing=True)
    if slot is None:
        raise NotFound(mark("There is no such time to book. Pick one from the list."), code="slot_not_found")
    return slot


def locked(session: Session, slot_ids: Iterable[int]) -> dict[int, Slot]:
    """The slots, locked until the transaction ends, always in the same order."""
    rows = select(Slot).where(Slot.id.in_(set(slot_ids))).order_by(Slot.id).with_for_update(of=Slot)
    return {slot.id: slot for slot in session.scalars(rows.execution_options(populate_existing=True))}


def lock_booking(session: Session, booking: Booking) -> None:
    """The booking as it is now; nobody else moves, cancels or checks it in until the transaction ends."""
    session.refresh(booking, with_for_update={"of": Booking})


def require_registered(member: Member) -> None:
    if not member.is_member:
        raise NotAllowed(
            mark("Seats and coupons are for members, and this card is not made yet. Make it first: it takes a minute."),
            code="not_registered",
        )


def live_booking(session: Session, member_id: int, slot_id: int) -> Booking | None:
    found = select(Booking).where(Booking.member_id == member_id, Booking.slot_id == slot_id, Booking.state.in_(LIVE))
    return session.scalar(found)


def live_entry(session: Session, member_id: int, slot_id: int) -> WaitlistEntry | None:
    found = select(WaitlistEntry).where(
        WaitlistEntry.member_id == member_id,
        WaitlistEntry.slot_id == slot_id,
        WaitlistEntry.state.in_(("waiting", "offered")),
    )
    return session.scalar(found.execution_options(populate_existing=True))


def take(session: Session, slot_id: int, member_id: int, *, past: bool = False, now: datetime) -> bool:
    """Takes a seat: the one held for this person, or a free one. False when there is none.

    `past` lets a visit that has begun be entered, for staff.
    """
    entry = live_entry(session, member_id, slot_id)
    if entry is not None:
        return _take_in_line(session, slot_id, member_id, now=now)
    return _take_free(session, slot_id, past=past, now=now)


def _take_free(session: Session, slot_id: int, *, past: bool, now: datetime) -> bool:
    begins = Slot.ends_at if past else Slot.starts_at
    free = update(Slot).where(Slot.id == slot_id, Slot.taken + Slot.held < Slot.capacity, begins > now)
    statement = free.values(taken=Slot.taken + 1).returning(Slot.id)
    return session.execute(statement, execution_options=WITHOUT_SYNC).first() is not None


def _take_in_line(session: Session, slot_id: int, member_id: int, *, now: datetime) -> bool:
    slot = locked(session, [slot_id])[slot_id]
    entry = live_entry(session, member_id, slot_id)
    if entry is not None and entry.state == "offered":
        if entry.offered_until is None or entry.offered_until <= now:
            return False
        slot.held -= 1
    elif slot.seats_left <= 0 or slot.starts_at <= now:
        return False
    slot.taken += 1
    if entry is not None:
        entry.state, entry.state_at = "taken", now
    session.flush()
    return True


def seat(session: Session, member_id: int, slot: Slot, *, is_walk_in: bool = False, now: datetime) -> Booking | None:
    """Writes the booking of a seat already taken; None when this person already has one here."""
    values = {
        "ref": "B" + secrets.token_hex(8),
        "slot_id": slot.id,
        "store_id": slot.store_id,
        "member_id": member_id,
        "via_id": via_of(session, member_id),
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "state": "confirmed",
        "is_walk_in": is_walk_in,
        "created_at": now,
        "state_at": now,
    }
    statement = insert_for(session)(Booking).values(values)
    once = statement.on_conflict_do_nothing(
        index_elements=["slot_id", "member_id"], index_where=text("state IN ('confirmed', 'arrived')")
    )
    row = session.execute(once.returning(Booking.id)).first()
    return session.get(Booking, row.id) if row else None


def confirm(session: Session, member: Member, booking: Booking, *, source: str, trace: Trace, now: datetime) -> None:
    """What follows a booking: the completed conversion, and word of it to the person."""
    converting.complete(
        session, member_id=member.id, type="booking", object=VISIT, source=source, once=f"booking:{booking.ref}",
        trace=trace, data={"booking": booking.ref}, now=now,
    )  # fmt: skip
    if not booking.is_walk_in:
        rendered = booking_confirmed.render(session, member, booking)
        speaking.say(session, member, rendered, kind="service", once=f"booking:{booking.ref}:confirmed", now=now)


def free(session: Session, slot: Slot, *, now: datetime) -> None:
    """Gives a taken seat of a locked slot back: to the first in line, else to everyone."""
    slot.taken -= 1
    session.flush()
    offer(session, slot, now=now)


def offer(session: Session, slot: Slot, *, now: datetime) -> None:
    """Holds the free seats of a locked slot for those in line, and tells them."""
    while slot.seats_left > 0 and slot.starts_at > now and (entry := first_in_line(session, slot.id)):
        _offer_to(session, slot, entry, now=now)
        session.flush()


def first_in_line(session: Session, slot_id: int) -> WaitlistEntry | None:
    line = select(WaitlistEntry).where(WaitlistEntry.slot_id == slot_id, WaitlistEntry.state == "waiting")
    return session.scalar(line.order_by(WaitlistEntry.id).limit(1))


def _offer_to(session: Session, slot: Slot, entry: WaitlistEntry, *, now: datetime) -> None:
    member = session.get_one(Member, entry.member_id)
    entry.state_at = now
    unreachable = speaking.contact_refusal(session, member, kind="service", now=now)
    if unreachable:
        # Who cannot be told cannot answer within the hold; the seat is not kept empty for them.
        entry.state, entry.reason = "passed", unreachable
        return
    slot.held += 1
    entry.state, entry.offered_until = "offered", min(now + HOLD, slot.starts_at)
    session.flush()
    speaking.say(
        session, member, waitlist_offered.render(session, member, entry), kind="service",
        once=f"waitlist:{entry.id}:offered", expires_at=entry.offered_until, now=now,
    )  # fmt: skip


def offer_over(session: Session, entry: WaitlistEntry) -> Conflict:
    """What to say to someone whose held seat has gone on."""
    until = entry.offered_until or entry.created_at
    return Conflict(
        mark(
            "The seat was held for you until %(time)s and has gone to the next in line. "
            "Join the waitlist again if you still want it."
        ),
        code="offer_over",
        time=clock_words(session, until),
    )


def clock_words(session: Session, moment: datetime) -> str:
    """The local time of day, as every language of ours writes it: 14:00."""
    return moment.astimezone(calendar_of(session).zone).strftime("%H:%M")
