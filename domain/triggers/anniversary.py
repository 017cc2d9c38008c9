"""The day they joined comes round again, or a date of their own (a wedding, a shop's founding), each year.

`field` names a custom field that holds a date such as 2019-05-20; without it, the day of joining counts. In a
year without 29 February its anniversary is the 28th. `years` says which ones, as 1, 5 and 10; without it, all.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from pydantic import Field
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import Calendar
from domain.wording import say
from models.member import Member


class Params(triggers.Params):
    field: str | None = Field(None, min_length=1, max_length=64, pattern=r"^[^\"\\]+$")
    years: list[int] = Field([], max_length=150)


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    found = []
    day, last = window.calendar.day_of(window.since), window.calendar.day_of(window.now)
    while day < last:
        day += timedelta(days=1)
        found += _celebrating(session, params, day, window.calendar)
    return found


def _celebrating(session: Session, params: Params, day: date, calendar: Calendar) -> list[triggers.Entry]:
    at = calendar.start(day)
    people = select(Member.id, Member.registered_at, Member.custom).where(
        _began_on(params, sorted(_days_before(session, params, day)), calendar),
        Member.registered_at <= at,
        Member.erased_at.is_(None),
        Member.merged_into_id.is_(None),
    )
    found = []
    for member_id, registered_at, custom in session.execute(people):
        began = _joined(registered_at, calendar) if params.field is None else date.fromisoformat(custom[params.field])
        evidence = {"years": day.year - began.year, "since": began.isoformat()}
        found.append(triggers.Entry(member_id, f"anniversary:{day.year}", at, evidence))
    return found


def _joined(registered_at: datetime | None, calendar: Calendar) -> date:
    assert registered_at is not None  # the query asks for it
    return calendar.day_of(registered_at)


def _began_on(params: Params, days: list[date], calendar: Calendar) -> ColumnElement[bool]:
    if params.field is None:
        spans = [
            and_(Member.registered_at >= calendar.start(day), Member.registered_at < calendar.end(day)) for day in days
        ]
        return or_(Member.id < 0, *spans)
    value: ColumnElement[str] = Member.custom[params.field].as_string()
    return value.in_([day.isoformat() for day in days])


def _days_before(session: Session, params: Params, day: date) -> Iterator[date]:
    """The days in earlier years whose anniversary `day` is, back to the first there can be one of."""
    joined = session.scalar(select(func.min(Member.registered_at))) if params.field is None else None
    first = joined.year if joined is not None else day.year - 150
    for year in range(first - 1, day.year):
        if params.years and day.year - year not in params.years:
            continue
        yield from _same_day(day, year)


def _same_day(day: date, year: int) -> Iterator[date]:
    """In `year`; 28 February of a year without a 29th stands for both."""
    wanted = [(day.month, day.day)]
    if wanted == [(2, 28)] and not _is_leap(day.year):
        wanted.append((2, 29))
    for month, number in wanted:
        if (month, number) != (2, 29) or _is_leap(year):
            yield date(year, month, number)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def words(params: Params, language: str) -> str:
    if params.field is None:
        return say(language, "each year on the day they joined")
    return say(language, "each year on the day of %(field)s", field=params.field)
