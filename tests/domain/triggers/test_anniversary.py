"""The day of joining, or a date of their own, comes round again each year, in local days and on leap days too."""

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import calendar_of
from tests.support.factories import make_member


def celebrating(session: Session, day: date, **params: Any) -> list[tuple[int, str, int]]:
    """Who is said to celebrate when `day` begins: the person, the cause, and which year it is."""
    calendar = calendar_of(session)
    begins = calendar.start(day)
    window = triggers.Window(since=calendar.start(date.fromordinal(day.toordinal() - 1)), now=begins, calendar=calendar)
    found = triggers.entries(session, {"on": "anniversary", **params}, window)
    return [(each.member_id, each.cause, each.evidence["years"]) for each in found]


def joined(session: Session, day: date, hour: int = 0, **fields: Any) -> int:
    at = calendar_of(session).start(day)
    at = datetime.fromtimestamp(at.timestamp() + hour * 3600, at.tzinfo)
    return make_member(session, registered_at=at, created_at=at, **fields).id


def test_the_day_of_joining_is_a_local_day_and_comes_each_year(session: Session) -> None:
    first, last = joined(session, date(2025, 3, 10), 0), joined(session, date(2026, 3, 10), 23)
    joined(session, date(2026, 3, 11), 0)
    joined(session, date(2026, 3, 9), 23)
    found = celebrating(session, date(2027, 3, 10))
    assert sorted(found) == [(first, "anniversary:2027", 2), (last, "anniversary:2027", 1)]
    assert [each[0] for each in celebrating(session, date(2026, 3, 10))] == [first]  # not the day of joining itself


@pytest.mark.parametrize(("day", "years"), [((2027, 2, 28), 3), ((2028, 2, 28), None), ((2028, 2, 29), 4)])
def test_who_joined_on_a_leap_day_is_not_forgotten(session: Session, day: tuple[int, int, int], years: int) -> None:
    leap = joined(session, date(2024, 2, 29), 12)
    assert [each[2] for each in celebrating(session, date(*day)) if each[0] == leap] == ([years] if years else [])


def test_a_date_of_their_own_counts_once_they_are_members(session: Session) -> None:
    couple = joined(session, date(2026, 1, 1), custom={"wedding": "2015-06-20"})
    for strange in ("2015-06-21", "20 June", 20150620, None, "2030-06-20"):
        joined(session, date(2026, 1, 1), custom={"wedding": strange})
    joined(session, date(2027, 6, 21), custom={"wedding": "2015-06-20"})
    make_member(session, registered=False, custom={"wedding": "2015-06-20"})
    assert celebrating(session, date(2027, 6, 20), field="wedding") == [(couple, "anniversary:2027", 12)]


def test_only_the_years_it_is_told_of(session: Session) -> None:
    joined(session, date(2025, 3, 10))
    fifth = joined(session, date(2022, 3, 10))
    assert [each[0] for each in celebrating(session, date(2027, 3, 10), years=[1, 5, 10])] == [fifth]


def test_days_missed_are_made_up(session: Session) -> None:
    joined(session, date(2026, 3, 10))
    joined(session, date(2026, 3, 12))
    calendar = calendar_of(session)
    window = triggers.Window(
        since=calendar.start(date(2027, 3, 9)), now=calendar.start(date(2027, 3, 13)), calendar=calendar
    )
    found = triggers.entries(session, {"on": "anniversary"}, window)
    assert [calendar.day_of(each.at) for each in found] == [date(2027, 3, 10), date(2027, 3, 12)]
