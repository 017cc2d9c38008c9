"""Return in its three forms on both databases (definitions §4.4)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from domain.metrics._shape import Figure
from models.member import Member
from models.store import Booking
from tests.support.factories import make_member, make_purchase, make_slot, make_store
from tests.support.journey import figure, happened, local, share

BASE = date(2026, 3, 10)


def returned(session: Session) -> dict[str, tuple[int, int]]:
    found: Figure = figure(session, "return", "2026-06", as_of=local(session, date(2026, 7, 9)))
    return {"any": share(found), **{key: share(part) for key, part in found.parts.items()}}


def did(session: Session, kind: str, *days: int, member: Member | None = None) -> Member:
    member = member or make_member(session)
    for after in days:
        happened(session, member, kind, local(session, BASE + timedelta(days=after)))
    return member


def booked(session: Session, member: Member, day: date, *, state: str, hour: int = 14) -> None:
    at = local(session, day, hour)
    slot = make_slot(session, make_store(session), starts_at=at)
    session.add(
        Booking(
            ref=f"B{slot.id}", slot_id=slot.id, store_id=slot.store_id, member_id=member.id, starts_at=at,
            ends_at=at + timedelta(hours=1), state=state, created_at=at, state_at=at,
        )
    )  # fmt: skip
    session.flush()


def test_acting_again_on_a_later_day(session: Session) -> None:
    did(session, "clicked", 0, 90)
    did(session, "clicked", 0, 91)
    did(session, "clicked", 0, 0)
    did(session, "tagged", 5, member=did(session, "texted", 0))
    assert returned(session) == {"any": (1, 4), "re_engage": (1, 4), "revisit": (0, 0)}


def test_visits_are_check_ins_store_orders_and_kept_bookings(session: Session) -> None:
    store = make_store(session)
    checked_in = did(session, "visited", 0)
    make_purchase(session, checked_in, paid_at=local(session, BASE + timedelta(days=7)), amount=9, store_id=store.id)
    online_only = did(session, "visited", 0)
    make_purchase(session, online_only, paid_at=local(session, BASE + timedelta(days=7)), amount=9)
    for state in ("confirmed", "arrived", "no_show", "cancelled"):
        booked(session, did(session, "visited", 0), BASE + timedelta(days=30), state=state)
    assert returned(session) == {"any": (4, 6), "re_engage": (0, 0), "revisit": (3, 6)}


def test_a_booking_is_kept_on_its_local_day(session: Session) -> None:
    # Half past midnight in Taipei is the evening before in UTC.
    person = make_member(session)
    booked(session, person, date(2026, 4, 1), state="confirmed", hour=0)
    assert set(returned(session).values()) == {(0, 0)}


def test_any_way_of_coming_back_counts_for_the_whole(session: Session) -> None:
    person = did(session, "opened_app", 0)
    make_purchase(session, person, paid_at=local(session, BASE + timedelta(days=3)), amount=100)
    assert returned(session) == {"any": (1, 1), "re_engage": (0, 1), "revisit": (0, 0)}
