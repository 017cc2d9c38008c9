"""A day of the calendar starts an automation: monthly, yearly, or once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import calendar_of
from tests.support.factories import make_member


def days_begun(session: Session, params: dict[str, Any], since: datetime, now: datetime) -> list[str]:
    window = triggers.Window(since=since, now=now, calendar=calendar_of(session))
    return [entry.cause for entry in triggers.entries(session, {"on": "on_day", **params}, window)]


@pytest.mark.parametrize(
    ("days", "begun"),
    [
        (["08"], ["day:2027-02-08", "day:2027-03-08"]),
        (["02-14"], ["day:2027-02-14"]),
        (["2027-02-06", "2028-01-26"], ["day:2027-02-06"]),
        (["31"], []),  # neither month has begun its 31st
        (["02-29"], []),
    ],
)
def test_each_day_begins_once_in_local_time(session: Session, days: list[str], begun: list[str]) -> None:
    make_member(session, registered_at=datetime(2026, 1, 1, tzinfo=UTC))
    since, now = datetime(2027, 1, 31, 17, tzinfo=UTC), datetime(2027, 3, 30, 15, 59, tzinfo=UTC)  # 1 Feb to 30 Mar
    assert days_begun(session, {"days": days}, since, now) == begun


def test_only_those_its_rule_holds_for_enter(session: Session) -> None:
    make_member(session, gender="male")
    woman = make_member(session, gender="female")
    make_member(session, gender="female", registered=False)
    rule = {"condition": "gender_is", "genders": ["female"]}
    window = triggers.Window(
        since=datetime(2027, 3, 7, tzinfo=UTC), now=datetime(2027, 3, 8, tzinfo=UTC), calendar=calendar_of(session)
    )
    found = triggers.entries(session, {"on": "on_day", "days": ["03-08"], "rule": rule}, window)
    assert [entry.member_id for entry in found] == [woman.id]


@pytest.mark.parametrize("day", ["8", "13-01", "02-30", "2027-02-29", "every day", "2027-2-6"])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(ValueError, match="no day"):
        triggers.parse({"on": "on_day", "days": [day]})
