"""The waitlist: a freed seat is held a quarter of an hour for the first in line, then passed on."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.operations import booking, waiting
from models.member import Member
from models.outbox import OutgoingMessage
from models.store import Booking, Slot, WaitlistEntry
from tests.support.factories import make_member, make_slot, make_store

QUARTER = timedelta(minutes=15)


class Line:
    """A full slot of one seat, its holder, and people waiting for it."""

    def __init__(self, session: Session, now: datetime, *, waiting_people: int = 2) -> None:
        self.session = session
        self.slot: Slot = make_slot(session, make_store(session), starts_at=now + timedelta(days=1), capacity=1)
        self.holder = make_member(session)
        self.booking: Booking = booking.book(session, self.holder, slot_id=self.slot.id, now=now)
        self.people = [make_member(session) for _ in range(waiting_people)]
        self.entries = [waiting.join(session, each, slot_id=self.slot.id, now=now) for each in self.people]

    def seats(self) -> tuple[int, int]:
        self.session.refresh(self.slot)
        return self.slot.taken, self.slot.held

    def states(self) -> list[str]:
        return [entry.state for entry in self.entries]


def offers(session: Session, member: Member) -> list[OutgoingMessage]:
    rows = select(OutgoingMessage).where(
        OutgoingMessage.member_id == member.id, OutgoingMessage.name == "waitlist_offered"
    )
    return list(session.scalars(rows))


def test_a_cancelled_seat_is_held_for_the_first_in_line_who_is_told_with_a_button(
    session: Session, now: datetime
) -> None:
    line = Line(session, now)

    booking.cancel(session, line.booking, now=now)

    assert line.states() == ["offered", "waiting"]
    assert line.seats() == (0, 1)
    assert line.entries[0].offered_until == now + QUARTER
    (told,) = offers(session, line.people[0])
    button = told.messages[0]["contents"]["footer"]["contents"][0]["action"]
    assert button["data"].startswith(f"act=waitlist&entry={line.entries[0].id}")
    assert told.expires_at == now + QUARTER
    assert not offers(session, line.people[1])


def test_nobody_else_gets_the_held_seat(session: Session, now: datetime) -> None:
    line = Line(session, now)
    booking.cancel(session, line.booking, now=now)

    with pytest.raises(Conflict):
        booking.book(session, line.holder, slot_id=line.slot.id, now=now)
    with pytest.raises(Conflict) as refused:
        waiting.accept(session, line.entries[1].id, line.people[1], now=now)
    assert refused.value.code == "not_your_turn"


def test_the_offer_is_accepted_once(session: Session, now: datetime) -> None:
    line = Line(session, now)
    booking.cancel(session, line.booking, now=now)

    made = waiting.accept(session, line.entries[0].id, line.people[0], now=now + timedelta(minutes=14))
    again = waiting.accept(session, line.entries[0].id, line.people[0], now=now + timedelta(minutes=20))

    assert made.id == again.id
    assert line.seats() == (1, 0)
    assert line.states() == ["taken", "waiting"]


def test_booking_the_held_slot_in_the_mini_app_takes_the_offer(session: Session, now: datetime) -> None:
    line = Line(session, now)
    booking.cancel(session, line.booking, now=now)

    booking.book(session, line.people[0], slot_id=line.slot.id, now=now)

    assert line.seats() == (1, 0)
    assert line.states()[0] == "taken"


def test_an_unanswered_offer_passes_on(session: Session, now: datetime) -> None:
    line = Line(session, now)
    booking.cancel(session, line.booking, now=now)

    assert waiting.pass_on(session, now + timedelta(minutes=14)) == 0
    assert waiting.pass_on(session, now + QUARTER) == 1
    assert waiting.pass_on(session, now + QUARTER) == 0

    assert line.states() == ["passed", "offered"]
    assert line.entries[0].reason == "no_answer"
    assert line.entries[1].offered_until == now + 2 * QUARTER
    with pytest.raises(Conflict, match=r"until 12:15 and has gone to the next"):
        waiting.accept(session, line.entries[0].id, line.people[0], now=now + QUARTER)


def test_when_nobody_answers_the_seat_is_open_again(session: Session, now: datetime) -> None:
    line = Line(session, now, waiting_people=1)
    booking.cancel(session, line.booking, now=now)

    waiting.pass_on(session, now + QUARTER)

    assert line.seats() == (0, 0)
    booking.book(session, make_member(session), slot_id=line.slot.id, now=now + QUARTER)


def test_leaving_passes_the_held_seat_on(session: Session, now: datetime) -> None:
    line = Line(session, now)
    booking.cancel(session, line.booking, now=now)

    waiting.leave(session, line.people[0], entry_id=line.entries[0].id, now=now)
    waiting.leave(session, line.people[0], entry_id=line.entries[0].id, now=now)

    assert line.states() == ["left", "offered"]
    assert line.seats() == (0, 1)


def test_a_changed_booking_frees_its_seat_for_the_line(session: Session, now: datetime) -> None:
    line = Line(session, now)
    other = make_slot(session, line.slot.store, starts_at=now + timedelta(days=2))

    booking.change(session, line.booking, slot_id=other.id, now=now)

    assert line.states() == ["offered", "waiting"]


def test_who_blocked_us_is_passed_over_with_the_reason(session: Session, now: datetime) -> None:
    line = Line(session, now)
    assert line.people[0].friend is not None
    line.people[0].friend.is_following = False

    booking.cancel(session, line.booking, now=now)

    assert line.states() == ["passed", "offered"]
    assert line.entries[0].reason == "blocked"


def test_nobody_waits_for_a_slot_with_seats_nor_twice(session: Session, now: datetime) -> None:
    line = Line(session, now)
    open_slot = make_slot(session, line.slot.store, starts_at=now + timedelta(days=3))

    with pytest.raises(Conflict) as refused:
        waiting.join(session, line.people[0], slot_id=open_slot.id, now=now)
    assert refused.value.code == "seat_open"
    with pytest.raises(Conflict) as refused:
        waiting.join(session, line.holder, slot_id=line.slot.id, now=now)
    assert refused.value.code == "already_booked"
    assert waiting.join(session, line.people[1], slot_id=line.slot.id, now=now).id == line.entries[1].id


def test_the_wait_ends_when_the_time_has_come(session: Session, now: datetime) -> None:
    line = Line(session, now)

    waiting.pass_on(session, line.slot.starts_at)

    assert line.states() == ["passed", "passed"]
    assert {entry.reason for entry in line.entries} == {"begun"}


def test_staff_see_the_chain_and_members_their_place(session: Session, now: datetime) -> None:
    line = Line(session, now)

    assert [entry.member_id for entry in waiting.chain(session, line.slot.id)] == [each.id for each in line.people]
    assert list(waiting.places(session, line.entries).values()) == [1, 2]
    booking.cancel(session, line.booking, now=now)
    waiting.leave(session, line.people[0], entry_id=line.entries[0].id, now=now)
    assert waiting.places(session, [line.entries[1]]) == {line.entries[1].id: 1}


def test_nobody_takes_the_place_of_another(session: Session, now: datetime) -> None:
    line = Line(session, now)
    with pytest.raises(NotFound):
        waiting.accept(session, line.entries[0].id, line.people[1], now=now)
    assert session.scalar(select(WaitlistEntry.state).where(WaitlistEntry.id == line.entries[0].id)) == "waiting"
