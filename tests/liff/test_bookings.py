"""Booking through the mini-app's API: the fortnight, a seat, its change and end, and the waitlist of a full time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models.event import Event
from models.member import Friend, Member
from models.session import Sessions
from models.store import Slot
from tests.support.factories import make_slot, make_store

# Noon in Taipei two days ahead: far from every deadline and midnight, whenever the tests run.
NOON = datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0) + timedelta(days=2)
DAY = NOON.date().isoformat()


@pytest.fixture
def join(sessions: Sessions) -> Callable[[Any, str], None]:
    """Opens a phone as a registered member."""

    def joined(phone: Any, user_id: str) -> None:
        phone.open_as(user_id)
        with sessions.writing() as session:
            friend = session.scalars(select(Friend).where(Friend.user_id == user_id)).one()
            session.get_one(Member, friend.member_id).registered_at = NOON - timedelta(days=90)
            session.commit()

    return joined


@pytest.fixture
def slots(sessions: Sessions) -> list[int]:
    """One store with 12:00 (one seat) and 13:00 (five) two days ahead."""
    with sessions.writing() as session:
        store = make_store(session, key="daan", name="Da'an", phone="02-2345-6789")
        made = [make_slot(session, store, starts_at=NOON + timedelta(hours=h), capacity=c) for h, c in ((0, 1), (1, 5))]
        session.commit()
        return [slot.id for slot in made]


def test_the_fortnight_and_a_day_are_shown_with_seats(phone: Any, join: Any, slots: list[int]) -> None:
    join(phone, "Uanna")

    shown = phone.get("/slots").json

    assert [store["key"] for store in shown["stores"]] == ["daan"]
    assert (len(shown["days"]), shown["date"]) == (14, DAY)
    assert {day["date"]: day["state"] for day in shown["days"]}[DAY] == "open"
    assert [(slot["id"], slot["time"], slot["seats_left"], slot["state"]) for slot in shown["slots"]] == [
        (slots[0], "12:00", 1, "open"),
        (slots[1], "13:00", 5, "open"),
    ]


def test_a_day_without_seats_is_said_to_be_full(phone: Any, join: Any, sessions: Sessions, slots: list[int]) -> None:
    join(phone, "Uanna")
    with sessions.writing() as session:
        for slot in session.scalars(select(Slot)):
            slot.taken = slot.capacity
        session.commit()

    shown = phone.get(f"/slots?store=daan&date={DAY}").json

    assert {day["date"]: day["state"] for day in shown["days"]}[DAY] == "full"
    assert {slot["state"] for slot in shown["slots"]} == {"full"}


def test_opening_starts_the_conversion_once(phone: Any, join: Any, sessions: Sessions, slots: list[int]) -> None:
    join(phone, "Uanna")
    for _ in range(3):
        phone.get("/slots")
    with sessions.reading() as session:
        starts = session.scalars(select(Event.object).where(Event.kind == "conversion_started")).all()
    assert starts == ["booking:visit"]


def test_book_change_and_cancel(phone: Any, join: Any, slots: list[int]) -> None:
    join(phone, "Uanna")

    made = phone.post("/bookings", {"slot_id": slots[0]})
    again = phone.post("/bookings", {"slot_id": slots[0]})
    assert (made.status_code, again.json["id"]) == (201, made.json["id"])
    assert made.json["when"]["time"] == "12:00"
    assert made.json["may_change"] is True

    moved = phone.patch(f"/bookings/{made.json['id']}", {"slot_id": slots[1]})
    assert (moved.status_code, moved.json["when"]["time"]) == (200, "13:00")

    assert phone.delete(f"/bookings/{made.json['id']}").status_code == 204
    assert phone.delete(f"/bookings/{made.json['id']}").status_code == 204
    assert phone.get("/bookings").json == {"bookings": [], "past": [], "waitlist": []}


def test_a_full_time_is_refused_in_words_and_waited_for(
    phone: Any, another_phone: Any, join: Any, slots: list[int]
) -> None:
    join(phone, "Uanna")
    join(another_phone, "Uben")
    booked = phone.post("/bookings", {"slot_id": slots[0]}).json

    refused = another_phone.post("/bookings", {"slot_id": slots[0]})
    assert (refused.status_code, refused.json["code"]) == (409, "slot_full")
    assert "5 seats are left at 13:00" in refused.json["detail"]

    waits = another_phone.post("/waitlist", {"slot_id": slots[0]}).json
    assert (waits["state"], waits["place"]) == ("waiting", 1)

    phone.delete(f"/bookings/{booked['id']}")
    (held,) = another_phone.get("/waitlist").json["waitlist"]
    assert held["state"] == "offered"
    assert held["held_until"]
    assert phone.post("/bookings", {"slot_id": slots[0]}).json["code"] == "slot_full"

    taken = another_phone.post(f"/waitlist/{waits['id']}/acceptance")
    assert taken.status_code == 201
    assert another_phone.get("/bookings").json["bookings"][0]["id"] == taken.json["id"]


def test_a_place_in_line_can_be_left(phone: Any, another_phone: Any, join: Any, slots: list[int]) -> None:
    join(phone, "Uanna")
    join(another_phone, "Uben")
    phone.post("/bookings", {"slot_id": slots[0]})
    waits = another_phone.post("/waitlist", {"slot_id": slots[0]}).json

    assert phone.delete(f"/waitlist/{waits['id']}").status_code == 404
    assert another_phone.delete(f"/waitlist/{waits['id']}").status_code == 204
    assert another_phone.get("/waitlist").json == {"waitlist": []}


def test_what_is_not_theirs_is_not_found(phone: Any, another_phone: Any, join: Any, slots: list[int]) -> None:
    join(phone, "Uanna")
    join(another_phone, "Uben")
    ref = phone.post("/bookings", {"slot_id": slots[0]}).json["id"]

    assert another_phone.delete(f"/bookings/{ref}").status_code == 404
    assert another_phone.patch(f"/bookings/{ref}", {"slot_id": slots[1]}).status_code == 404


def test_only_members_see_seats_and_book(phone: Any, slots: list[int]) -> None:
    assert phone.get("/slots").status_code == 401
    phone.open_as("Unobody")
    for answer in (phone.get("/slots"), phone.post("/bookings", {"slot_id": slots[0]}), phone.get("/waitlist")):
        assert (answer.status_code, answer.json["code"]) == (403, "not_registered")


@pytest.mark.parametrize("query", ["store=nowhere", "date=tomorrow", "date=9999-12-31", "store=%00", "colour=red"])
def test_an_impossible_question_is_refused(phone: Any, join: Any, slots: list[int], query: str) -> None:
    join(phone, "Uanna")
    answer = phone.get(f"/slots?{query}")
    assert answer.status_code in {404, 422}
    assert answer.json["detail"]


@pytest.mark.parametrize("body", [{}, {"slot_id": "1"}, {"slot_id": 0}, {"slot_id": 10**12}, {"slot_id": 1, "x": 1}])
def test_an_impossible_booking_is_refused(phone: Any, join: Any, slots: list[int], body: dict[str, Any]) -> None:
    join(phone, "Uanna")
    assert phone.post("/bookings", body).status_code == 422
