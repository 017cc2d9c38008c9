"""Booking a visit: taken, asked twice, moved, given back, refused with what is left."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotAllowed, NotFound
from domain.operations import booking
from domain.operations.converting import Trace
from models.event import Event
from models.outbox import OutgoingMessage
from models.store import Booking, Slot
from tests.support.factories import make_member, make_slot, make_store

HOUR = timedelta(hours=1)


def make_day(session: Session, now: datetime, *, seats: int = 2, **fields: object) -> tuple[Slot, Slot]:
    """Two slots of one store: tomorrow 12:00 and 13:00 local."""
    store = make_store(session, **fields)
    return (
        make_slot(session, store, starts_at=now + 24 * HOUR, capacity=seats),
        make_slot(session, store, starts_at=now + 25 * HOUR, capacity=seats),
    )


def said(session: Session, member_id: int) -> list[str]:
    rows = select(OutgoingMessage.name).where(OutgoingMessage.member_id == member_id).order_by(OutgoingMessage.id)
    return list(session.scalars(rows))


def kinds(session: Session, member_id: int) -> list[str]:
    rows = select(Event.kind).where(Event.member_id == member_id, Event.kind.startswith("conversion"))
    return list(session.scalars(rows.order_by(Event.id)))


def test_a_booking_takes_a_seat_confirms_it_and_completes_the_conversion(session: Session, now: datetime) -> None:
    member, (slot, _) = make_member(session), make_day(session, now)

    made = booking.book(session, member, slot_id=slot.id, source="liff", trace=Trace(message_id=7), now=now)

    session.refresh(slot)
    assert (made.state, made.starts_at, slot.taken) == ("confirmed", slot.starts_at, 1)
    assert said(session, member.id) == ["booking_confirmed"]
    done = session.scalars(
        select(Event).where(Event.kind == "conversion_completed", Event.member_id == member.id)
    ).one()
    assert (done.object, done.data["booking"], done.message_id) == ("booking:visit", made.ref, 7)


def test_booking_again_answers_the_same_booking(session: Session, now: datetime) -> None:
    member, (slot, _) = make_member(session), make_day(session, now, seats=1)

    first = booking.book(session, member, slot_id=slot.id, now=now)
    again = booking.book(session, member, slot_id=slot.id, now=now)

    session.refresh(slot)
    assert (again.id, slot.taken) == (first.id, 1)
    assert said(session, member.id) == ["booking_confirmed"]


def test_a_full_slot_refuses_and_names_what_is_left(session: Session, now: datetime) -> None:
    slot, other = make_day(session, now, seats=1)
    other.capacity = 3
    booking.book(session, make_member(session), slot_id=slot.id, now=now)

    with pytest.raises(Conflict) as refused:
        booking.book(session, make_member(session), slot_id=slot.id, now=now)

    assert refused.value.code == "slot_full"
    assert "3 seats are left at 13:00" in str(refused.value)
    assert session.scalar(select(func.count(Booking.id)).where(Booking.slot_id == slot.id)) == 1


def test_a_full_day_offers_the_waitlist(session: Session, now: datetime) -> None:
    store = make_store(session)
    slot = make_slot(session, store, starts_at=now + HOUR, capacity=1)
    booking.book(session, make_member(session), slot_id=slot.id, now=now)

    with pytest.raises(Conflict, match=r"the day is full\. Join the waitlist"):
        booking.book(session, make_member(session), slot_id=slot.id, now=now)


def test_what_has_begun_cannot_be_booked(session: Session, now: datetime) -> None:
    slot = make_slot(session, make_store(session), starts_at=now - timedelta(minutes=1))

    with pytest.raises(Conflict) as refused:
        booking.book(session, make_member(session), slot_id=slot.id, now=now)
    assert refused.value.code == "slot_over"


def test_staff_may_enter_a_walk_in_who_is_told_nothing(session: Session, now: datetime) -> None:
    slot = make_slot(session, make_store(session), starts_at=now - timedelta(minutes=10))
    member = make_member(session)

    made = booking.book(session, member, slot_id=slot.id, source="staff", is_walk_in=True, now=now)

    assert made.is_walk_in
    assert said(session, member.id) == []


def test_only_members_book(session: Session, now: datetime) -> None:
    slot, _ = make_day(session, now)
    with pytest.raises(NotAllowed) as refused:
        booking.book(session, make_member(session, registered=False), slot_id=slot.id, now=now)
    assert refused.value.code == "not_registered"


def test_a_cancelled_seat_is_open_again(session: Session, now: datetime) -> None:
    member, (slot, _) = make_member(session), make_day(session, now)
    made = booking.book(session, member, slot_id=slot.id, now=now)

    booking.cancel(session, made, by="member", now=now)
    booking.cancel(session, made, by="member", now=now)

    session.refresh(slot)
    assert (made.state, slot.taken, slot.held) == ("cancelled", 0, 0)
    assert said(session, member.id) == ["booking_confirmed", "booking_cancelled"]
    assert kinds(session, member.id) == ["conversion_started", "conversion_completed", "conversion_cancelled"]


def test_after_cancelling_the_same_seat_can_be_booked_again(session: Session, now: datetime) -> None:
    member, (slot, _) = make_member(session), make_day(session, now)
    first = booking.book(session, member, slot_id=slot.id, now=now)
    booking.cancel(session, first, now=now)

    second = booking.book(session, member, slot_id=slot.id, now=now)

    assert second.ref != first.ref
    session.refresh(slot)
    assert slot.taken == 1


def test_after_the_deadline_the_member_is_told_whom_to_call_and_staff_may_still_cancel(
    session: Session, now: datetime
) -> None:
    member, (slot, other) = make_member(session), make_day(session, now, phone="02-2345-6789", name="Da'an")
    made = booking.book(session, member, slot_id=slot.id, now=now)
    late = slot.starts_at - timedelta(minutes=119)

    with pytest.raises(Conflict, match=r"Changes closed at 10:00.*call Da'an: 02-2345-6789"):
        booking.cancel(session, made, by="member", now=late)
    with pytest.raises(Conflict):
        booking.change(session, made, slot_id=other.id, now=late)

    booking.cancel(session, made, by="staff", now=late)
    assert made.state == "cancelled"


def test_a_change_takes_the_new_seat_and_frees_the_old(session: Session, now: datetime) -> None:
    member, (slot, other) = make_member(session), make_day(session, now)
    made = booking.book(session, member, slot_id=slot.id, now=now)
    ref = made.ref

    booking.change(session, made, slot_id=other.id, now=now)

    session.refresh(slot)
    session.refresh(other)
    assert (made.ref, made.starts_at, slot.taken, other.taken) == (ref, other.starts_at, 0, 1)
    assert said(session, member.id) == ["booking_confirmed", "booking_changed"]


def test_a_change_to_a_full_slot_keeps_the_old_seat(session: Session, now: datetime) -> None:
    member, (slot, other) = make_member(session), make_day(session, now, seats=1)
    made = booking.book(session, member, slot_id=slot.id, now=now)
    booking.book(session, make_member(session), slot_id=other.id, now=now)

    with pytest.raises(Conflict) as refused:
        booking.change(session, made, slot_id=other.id, now=now)

    assert refused.value.code == "slot_full"
    session.refresh(slot)
    assert (made.slot_id, slot.taken) == (slot.id, 1)


def test_nobody_finds_the_booking_of_another(session: Session, now: datetime) -> None:
    member, (slot, _) = make_member(session), make_day(session, now)
    made = booking.book(session, member, slot_id=slot.id, now=now)

    assert booking.find(session, member, made.ref).id == made.id
    with pytest.raises(NotFound):
        booking.find(session, make_member(session), made.ref)
