"""What a mission's measure can narrow steps to: hours and weekdays, several objects, categories of goods."""

from datetime import date, datetime, time
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.purchasing import Line, record_order
from domain.operations.recording import record
from domain.reports import mission_words
from domain.scores._mission import Measure
from domain.scores._mission_steps import measured
from models.member import Member
from models.mission import Mission
from tests.domain.operations.test_missions import make_mission
from tests.support.factories import make_member

MONDAY = date(2026, 3, 16)


def at(session: Session, day: int, clock: str) -> datetime:
    return calendar_of(session).at(date.fromordinal(MONDAY.toordinal() + day), time.fromisoformat(clock))


def buy(session: Session, member: Member, when: datetime, *lines: tuple[str, str, int]) -> None:
    record_order(
        session, order_ref=f"{member.ref}-{when:%m%d%H%M}", paid_at=when, member_id=member.id, source="pos", now=when,
        lines=[Line(n, sku, amount, category=category) for n, (sku, category, amount) in enumerate(lines, 1)],
    )  # fmt: skip


def steps(session: Session, mission: Mission, member: Member) -> int:
    return sum(each.progress for each in measured(session, mission, [member.id]).get(member.id, []))


def from_monday(session: Session, **fields: Any) -> Mission:
    return make_mission(session, target=9, window={"from": MONDAY.isoformat()}, **fields)


def test_hours_are_local_and_the_last_no_longer_counts(session: Session) -> None:
    mission = from_monday(session, measure={"between": ["11:30", "14:00"]})
    member = make_member(session)
    for clock in ("11:29", "11:30", "13:59", "14:00", "23:30"):
        buy(session, member, at(session, 0, clock), ("tea", "tea", 100))
    assert steps(session, mission, member) == 2


def test_weekdays_are_local_days(session: Session) -> None:
    mission = from_monday(session, measure={"by": "days", "weekdays": [1, 2]})
    member = make_member(session)
    for day, clock in ((0, "00:30"), (1, "23:30"), (2, "00:30"), (6, "12:00")):  # Monday, Tuesday, Wednesday, Sunday
        buy(session, member, at(session, day, clock), ("tea", "tea", 100))
    assert steps(session, mission, member) == 2


def test_events_too_are_narrowed_to_hours_and_to_any_of_several_objects(session: Session) -> None:
    mission = from_monday(
        session, measure={"of": "answered", "by": "products", "objects": ["one", "two"], "between": ["18:00", "24:00"]}
    )
    member = make_member(session)
    for object, clock in (("one", "19:00"), ("one", "20:00"), ("two", "23:59"), ("three", "19:00"), ("two", "17:59")):
        when = at(session, 0, clock)
        record(session, "answered", member_id=member.id, source="liff", object=object, occurred_at=when, now=when)
    assert steps(session, mission, member) == 2


def test_each_category_counts_once_and_what_has_none_is_no_step(session: Session) -> None:
    mission = from_monday(session, measure={"by": "categories"})
    member = make_member(session)
    buy(session, member, at(session, 0, "12:00"), ("a", "tea", 100), ("b", "tea", 100), ("c", "ware", 100))
    buy(session, member, at(session, 1, "12:00"), ("d", "tea", 100), ("bag", "", 5), ("e", "sweets", 100))
    assert steps(session, mission, member) == 3


def test_of_named_categories_only_those_count(session: Session) -> None:
    mission = from_monday(session, measure={"by": "categories", "categories": ["tea", "ware"]})
    member = make_member(session)
    buy(session, member, at(session, 0, "12:00"), ("a", "tea", 100), ("e", "sweets", 100))
    assert steps(session, mission, member) == 1


@pytest.mark.parametrize(
    "measure",
    [
        {"of": "visited", "by": "categories"}, {"of": "purchase", "objects": ["a"]}, {"weekdays": [0]},
        {"weekdays": [8]}, {"between": ["14:00", "11:30"]}, {"between": ["9:00", "11:30"]}, {"between": ["11:30"]},
        {"between": ["11:30", "25:00"]},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(measure: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Measure.model_validate(measure)


def test_the_hours_and_days_are_said(session: Session) -> None:
    mission = from_monday(session, measure={"by": "days", "weekdays": [2, 1], "between": ["11:30", "14:00"]})
    assert mission_words.goal_words(session, mission, "en") == (
        "9 different days: bought something (Monday, Tuesday, 11:30–14:00)"
    )


def test_access_is_said_by_its_name(session: Session) -> None:
    said = mission_words.reward_words(session, {"access": {"key": "table", "days": 30}}, "en")
    assert said == "table for 30 days"


def test_of_events_different_ones_are_no_products(session: Session) -> None:
    mission = from_monday(session, measure={"of": "tagged", "by": "products", "objects": ["a", "b"]})
    assert mission_words.goal_words(session, mission, "en") == (
        "9 different ones: was given a tag, or had it renewed (a, b)"
    )
