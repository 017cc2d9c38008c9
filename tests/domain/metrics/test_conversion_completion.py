"""Completion of key actions on both databases (definitions §4.3)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from domain.metrics._shape import Figure
from models.member import Member
from tests.support.factories import make_member
from tests.support.journey import figure, happened, local, share


@pytest.fixture
def start(session: Session) -> datetime:
    return local(session, date(2026, 3, 5))


def step(session: Session, member: Member, which: str, at: datetime, *, type: str = "form", **data: Any) -> None:
    happened(
        session, member, f"conversion_{which}", at, object=data.pop("object", f"{type}:x"), data={"type": type, **data}
    )


def completion(session: Session, as_of: datetime | None = None, month: str = "2026-03") -> Figure:
    return figure(session, "conversion_completion", month, as_of=as_of or local(session, date(2026, 4, 10)))


def test_EX_04_a_form_in_march(session: Session) -> None:
    as_of = local(session, date(2026, 3, 31), 23)
    for n in range(46):
        member = make_member(session, registered=False)
        opened = as_of - timedelta(hours=2) if n >= 44 else local(session, date(2026, 3, 10))
        step(session, member, "started", opened)
        if n < 33:
            step(session, member, "completed", opened + timedelta(hours=3))
    found = completion(session, as_of).parts["form"]
    assert (share(found), found.asides["pending"]) == ((33, 44), 2)


def test_opening_twice_is_one_start(session: Session, start: datetime) -> None:
    member = make_member(session)
    for days in (0, 3, 9):
        step(session, member, "started", start + timedelta(days=days))
    step(session, member, "completed", start + timedelta(days=9, hours=1))
    assert share(completion(session)) == (1, 1)


def test_each_object_and_month_is_a_start_of_its_own(session: Session, start: datetime) -> None:
    member = make_member(session)
    for name in ("a", "b"):
        step(session, member, "started", start, type="coupon_claim", object=f"coupon:{name}")
    step(session, member, "completed", start, type="coupon_claim", object="coupon:a")
    step(session, member, "started", start + timedelta(days=30), type="coupon_claim", object="coupon:b")
    assert share(completion(session)) == (1, 2)
    assert share(completion(session, month="2026-04", as_of=local(session, date(2026, 5, 9)))) == (0, 1)


@pytest.mark.parametrize(("type", "hours"), [("booking", 24), ("check_in", 1), ("order", 72)])
def test_what_finishes_after_its_wait_is_late(session: Session, start: datetime, type: str, hours: int) -> None:
    for minutes in (0, 1):
        member = make_member(session)
        step(session, member, "started", start, type=type)
        step(session, member, "completed", start + timedelta(hours=hours, minutes=minutes), type=type)
    found = completion(session).parts[type]
    assert (share(found), found.asides["late"], found.asides["implied"]) == ((1, 2), 1, 0)


def test_finishing_without_a_start_implies_one(session: Session, start: datetime) -> None:
    member = make_member(session)
    step(session, member, "completed", start, type="booking")
    found = completion(session).parts["booking"]
    assert (share(found), found.asides["implied"]) == ((1, 1), 1)


def test_an_implied_start_on_record_is_not_counted_again(session: Session, start: datetime) -> None:
    member = make_member(session)
    step(session, member, "started", start, type="booking", implied=True)
    step(session, member, "completed", start, type="booking")
    assert share(completion(session)) == (1, 1)


def test_finishing_late_stays_late_even_when_a_start_was_implied_for_it(session: Session, start: datetime) -> None:
    member = make_member(session)
    step(session, member, "started", start)
    step(session, member, "started", start + timedelta(days=4), implied=True)
    step(session, member, "completed", start + timedelta(days=4))
    found = completion(session).parts["form"]
    assert (share(found), found.asides["late"]) == ((0, 1), 1)


def test_a_start_on_the_last_evening_belongs_to_its_own_month(session: Session) -> None:
    evening = local(session, date(2026, 3, 31), 23)
    member = make_member(session)
    step(session, member, "started", evening)
    step(session, member, "completed", evening + timedelta(hours=5))
    assert share(completion(session)) == (1, 1)
    assert share(completion(session, month="2026-04", as_of=local(session, date(2026, 5, 9)))) == (0, 0)


def test_what_was_recorded_later_is_not_known_yet(session: Session, start: datetime) -> None:
    member = make_member(session)
    step(session, member, "started", start)
    happened(
        session, member, "conversion_completed", start + timedelta(hours=1), object="form:x", data={"type": "form"},
        now=local(session, date(2026, 4, 20)),
    )  # fmt: skip
    assert share(completion(session)) == (0, 1)
    assert share(completion(session, local(session, date(2026, 4, 21)))) == (1, 1)
