"""A day of the calendar comes: each month (`08`), each year (`11-20`) or once (`2027-02-06`, as festivals move).

Everyone registered enters, or those a rule holds for as the day begins. A month without the day has none.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from pydantic import Field, field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import rules, triggers
from domain.errors import Invalid
from domain.wording import say
from models.member import Member

MONTHLY, YEARLY = 1, 2  # how many numbers a day is written with


class Params(triggers.Params):
    days: list[str] = Field(min_length=1, max_length=100)
    rule: dict[str, Any] = Field(default_factory=dict)

    @field_validator("days")
    @classmethod
    def _are_days(cls, value: list[str]) -> list[str]:
        for each in value:
            if not _is_a_day(each):
                raise ValueError(f"{each!r} is no day such as 08, 11-20 or 2027-02-06 (write it in quotes)")
        return value

    @field_validator("rule")
    @classmethod
    def _is_a_rule(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            return rules.validate(value)
        except Invalid as refusal:
            raise ValueError(str(refusal)) from None


def _is_a_day(text: str) -> bool:
    """29 February is a day of a leap year."""
    whole = {MONTHLY: f"2024-01-{text}", YEARLY: f"2024-{text}"}.get(text.count("-") + 1, text)
    try:
        return date.fromisoformat(whole).isoformat() == whole
    except ValueError:
        return False


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    found = []
    for day in _days_begun(window):
        if any(day.isoformat().endswith(each) for each in _written(params)):
            found += _everyone(session, params, day, window)
    return found


def _written(params: Params) -> list[str]:
    return [each if each.count("-") + 1 > YEARLY else f"-{each}" for each in params.days]


def _days_begun(window: triggers.Window) -> Iterator[date]:
    day, last = window.calendar.day_of(window.since), window.calendar.day_of(window.now)
    while day < last:
        day += timedelta(days=1)
        yield day


def _everyone(session: Session, params: Params, day: date, window: triggers.Window) -> list[triggers.Entry]:
    at = window.calendar.start(day)
    people = select(Member.id).where(
        rules.compile_rule(params.rule, rules.context_of(session, window.now)),
        Member.registered_at <= at,
        Member.erased_at.is_(None),
        Member.merged_into_id.is_(None),
    )
    return [triggers.Entry(each, f"day:{day}", at, {"day": day.isoformat()}) for each in session.scalars(people)]


def words(params: Params, language: str) -> str:
    days = say(language, " or ").join(params.days)
    if not params.rule:
        return say(language, "on %(days)s", days=days)
    return say(language, "on %(days)s, if: %(rule)s", days=days, rule=rules.sentence(params.rule, language))
