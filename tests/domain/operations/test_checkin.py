"""Arrived, not come, walked in; each taken back within ten minutes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.errors import Conflict, NotFound
from domain.operations import booking as booking_a_visit
from domain.operations import checkin, visiting
from models.event import Event
from tests.support.factories import make_member, make_slot, make_store


@pytest.fixture
def booked(session, now):
    member, store = make_member(session), make_store(session)
    slot = make_slot(session, store, starts_at=now + timedelta(hours=1))
    return booking_a_visit.book(session, member, slot_id=slot.id, now=now)


def visits(session, booking):
    query = select(Event).where(Event.kind == "visited", Event.member_id == booking.member_id)
    return list(session.scalars(query))


def test_arriving_is_a_visit_and_a_finished_check_in_once(session, booked, now):
    for minutes in (0, 5):
        checkin.arrive(session, booked, staff_id=None, now=now + timedelta(minutes=minutes))
    assert booked.state == "arrived"
    assert [event.data["how"] for event in visits(session, booked)] == ["booking"]
    done = select(Event).where(Event.kind == "conversion_completed", Event.object.startswith("check_in:"))
    assert len(session.scalars(done).all()) == 1


def test_undoing_an_arrival_makes_it_open_again(session, booked, now):
    checkin.arrive(session, booked, staff_id=None, now=now)
    checkin.undo(session, booked, staff_id=None, now=now + timedelta(minutes=3))
    assert booked.state == "confirmed"
    assert visits(session, booked) == []


def test_undoing_an_arrival_keeps_an_earlier_check_in_of_the_day(session, booked, now):
    from models.member import Member

    member = session.get(Member, booked.member_id)
    visiting.visit(session, member, booked.store, staff_id=None, now=now - timedelta(hours=1))
    checkin.arrive(session, booked, staff_id=None, now=now)
    checkin.undo(session, booked, staff_id=None, now=now)
    assert [event.data["how"] for event in visits(session, booked)] == ["check_in"]


def test_who_was_marked_absent_may_still_come(session, booked, now):
    begun = now + timedelta(hours=1)
    with pytest.raises(Conflict, match="has not begun"):
        checkin.no_show(session, booked, staff_id=None, now=now)
    checkin.no_show(session, booked, staff_id=None, now=begun)
    checkin.arrive(session, booked, staff_id=None, now=begun + timedelta(minutes=20))
    assert booked.state == "arrived"


def test_after_ten_minutes_it_stays(session, booked, now):
    checkin.arrive(session, booked, staff_id=None, now=now)
    with pytest.raises(Conflict, match="ten minutes"):
        checkin.undo(session, booked, staff_id=None, now=now + timedelta(minutes=11))


def test_a_booking_of_another_day_or_a_cancelled_one_is_not_checked_in(session, booked, now):
    with pytest.raises(Conflict, match="not for today"):
        checkin.arrive(session, booked, staff_id=None, now=now + timedelta(days=1))
    booking_a_visit.cancel(session, booked, by="staff", now=now)
    with pytest.raises(Conflict, match="cancelled"):
        checkin.arrive(session, booked, staff_id=None, now=now)


def test_a_walk_in_takes_a_seat_of_a_running_slot_and_gives_it_back(session, now):
    member, store = make_member(session), make_store(session)
    slot = make_slot(session, store, starts_at=now - timedelta(minutes=10), capacity=1)
    booking = checkin.walk_in(session, member, slot_id=slot.id, staff_id=None, now=now)
    session.refresh(slot)
    assert (booking.state, booking.is_walk_in, slot.taken) == ("arrived", True, 1)
    checkin.undo(session, booking, staff_id=None, now=now)
    session.refresh(slot)
    assert (booking.state, slot.taken) == ("cancelled", 0)
    assert visits(session, booking) == []


def test_staff_find_only_bookings_of_their_own_store(session, booked):
    assert checkin.find(session, booked.ref, store_id=booked.store_id) is booked
    with pytest.raises(NotFound):
        checkin.find(session, booked.ref, store_id=make_store(session).id)
