"""Today shows a store its day, and lets it say who came; staff of one store see and touch no other."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.operations import booking as booking_a_visit
from domain.operations import waiting
from models.staff import AuditLine
from models.store import Booking
from tests.support.factories import make_member, make_slot, make_store

TODAY = "/console/today/"


@pytest.fixture
def day(sessions, store):
    """A booking in an hour, another of a second store, and someone waiting."""
    now = datetime.now(UTC)
    with sessions.writing() as session:
        other = make_store(session, name="Other Street")
        here = make_slot(session, store, starts_at=now + timedelta(seconds=5), capacity=1)
        there = make_slot(session, other, starts_at=now + timedelta(seconds=5))
        mei, waits, elsewhere = (make_member(session, name=name) for name in ("Mei", "Waiting Wu", "Elsewhere Ed"))
        bookings = {
            "here": booking_a_visit.book(session, mei, slot_id=here.id, now=now).ref,
            "there": booking_a_visit.book(session, elsewhere, slot_id=there.id, now=now).ref,
        }
        waiting.join(session, waits, slot_id=here.id, now=now)
        session.commit()
        return bookings


def state(sessions, ref):
    with sessions.reading() as session:
        return session.query(Booking).filter_by(ref=ref).one().state


def test_the_day_of_my_store_only(signed_in, store, day):
    page = signed_in("store", store_id=store.id).get(TODAY).text
    assert "Mei" in page
    assert "Waiting Wu" in page
    assert "Elsewhere Ed" not in page


def test_arrived_and_undo(signed_in, sessions, store, day):
    desk = signed_in("store", store_id=store.id)
    desk.post(f"{TODAY}bookings/{day['here']}/arrive", on=TODAY)
    assert state(sessions, day["here"]) == "arrived"
    assert "Mei is checked in" in desk.get(TODAY).text
    desk.post(f"{TODAY}bookings/{day['here']}/undo", on=TODAY)
    assert state(sessions, day["here"]) == "confirmed"
    with sessions.reading() as session:
        actions = [line.action for line in session.query(AuditLine).order_by(AuditLine.id)]
    assert actions == ["signed_in", "arrived", "checked_in", "undid_arrived", "undid_check_in"]


def test_another_stores_booking_is_not_there_for_store_staff(signed_in, sessions, store, day):
    desk = signed_in("store", store_id=store.id)
    desk.post(f"{TODAY}bookings/{day['there']}/arrive", on=TODAY)
    assert state(sessions, day["there"]) == "confirmed"
    assert "no such booking in this store" in desk.get(TODAY).text


def test_staff_may_not_choose_another_store(signed_in, store, day):
    desk = signed_in("store", store_id=store.id)
    assert "Elsewhere Ed" not in desk.get(f"{TODAY}?store=store2").text


def test_a_refusal_is_said_on_the_page_one_was_on(signed_in, store, day):
    desk = signed_in("store", store_id=store.id)
    answer = desk.post(f"{TODAY}bookings/{day['here']}/no-show", on=TODAY)
    assert answer.location.endswith(TODAY)
    assert "nobody is late yet" in desk.get(TODAY).text


def test_an_owner_sees_any_store_and_cancels(signed_in, sessions, store, day):
    desk = signed_in("owner")
    with sessions.reading() as session:
        from models.store import Store

        other = session.query(Store).filter_by(name="Other Street").one().key
    assert "Elsewhere Ed" in desk.get(f"{TODAY}?store={other}").text
    desk.post(f"{TODAY}bookings/{day['here']}/cancel", on=TODAY)
    assert state(sessions, day["here"]) == "cancelled"
