"""Two phones with one booking: whatever they do at the same moment, seat, booking and visit agree afterwards."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.operations import booking as booking_a_visit
from domain.operations import checkin
from models.event import Event
from models.session import Sessions
from models.store import Booking, Slot
from tests.support.factories import make_member, make_slot, make_store
from tests.support.moments import NOW

ROUNDS = 8
Deed = Callable[[Session, Booking], object]


@pytest.fixture
def slots(sessions: Sessions) -> list[int]:
    with sessions.writing() as session:
        store = make_store(session)
        made = [make_slot(session, store, starts_at=NOW + timedelta(hours=4 + n), capacity=50) for n in range(3)]
        session.commit()
        return [each.id for each in made]


def booked(sessions: Sessions, slot_id: int) -> int:
    with sessions.writing() as session:
        made = booking_a_visit.book(session, make_member(session), slot_id=slot_id, now=NOW)
        session.commit()
        return made.id


def at_once(sessions: Sessions, booking_id: int, *deeds: Deed) -> list[object]:
    """Each deed in a process of its own that has already looked at the booking; what each came to."""
    barrier = Barrier(len(deeds))

    def run(deed: Deed) -> object:
        with sessions.reading() as session:
            seen = session.get_one(Booking, booking_id)
        barrier.wait()
        with sessions.writing() as session:
            session.add(seen)  # read before the other changed it
            try:
                deed(session, seen)
            except Conflict as refusal:
                return refusal.code
            session.commit()
            return "done"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [each.result() for each in [pool.submit(run, deed) for deed in deeds]]


def taken(session: Session) -> int:
    return session.scalar(select(func.sum(Slot.taken))) or 0


def test_cancelling_while_staff_check_in_is_one_or_the_other(sessions: Sessions, slots: list[int]) -> None:
    arrived = 0
    for _ in range(ROUNDS):
        booking_id = booked(sessions, slots[0])
        outcomes = at_once(
            sessions, booking_id,
            lambda session, booking: booking_a_visit.cancel(session, booking, now=NOW),
            lambda session, booking: checkin.arrive(session, booking, staff_id=None, now=NOW),
        )  # fmt: skip
        assert outcomes.count("done") == 1
        with sessions.reading() as session:
            state = session.get_one(Booking, booking_id).state
            assert state == ("cancelled" if outcomes[0] == "done" else "arrived")
            arrived += state == "arrived"
            assert taken(session) == arrived
            assert session.scalar(select(func.count()).where(Event.kind == "visited")) == arrived


def test_two_phones_moving_one_booking_leave_one_seat_taken(sessions: Sessions, slots: list[int]) -> None:
    for n in range(1, ROUNDS + 1):
        booking_id = booked(sessions, slots[0])
        outcomes = at_once(
            sessions, booking_id,
            lambda session, booking: booking_a_visit.change(session, booking, slot_id=slots[1], now=NOW),
            lambda session, booking: booking_a_visit.change(session, booking, slot_id=slots[2], now=NOW),
            lambda session, booking: booking_a_visit.change(session, booking, slot_id=slots[2], now=NOW),
        )  # fmt: skip
        assert outcomes == ["done"] * 3
        with sessions.reading() as session:
            assert taken(session) == n
            held = dict(session.execute(select(Booking.slot_id, func.count()).group_by(Booking.slot_id)).all())
            assert {slot.id: slot.taken for slot in session.scalars(select(Slot)) if slot.taken} == held
