"""Is so many months from a date of their own.

Whole months since the date in a custom field, such as a child's birth: 0 from the day itself, negative before it.
What is no date as 2026-03-10 counts for nobody.
"""

from datetime import date, timedelta

from pydantic import model_validator
from sqlalchemy import ColumnElement, String, and_, cast, func

from domain.rules._context import RuleContext
from domain.rules._finding import known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.wording import mark
from models.member import Member

GROUP = "Who they are"
ISO = "____-__-__"


class Params(Base):
    field: str = param(mark("Field"), min_length=1, max_length=64, pattern=r"^[^\"\\]+$")
    at_least_months: int | None = param(mark("At least … months"), None, ge=-24, le=1200)
    at_most_months: int | None = param(mark("At most … months"), None, ge=-24, le=1200)

    @model_validator(mode="after")
    def _one_edge(self) -> "Params":
        if self.at_least_months is None and self.at_most_months is None:
            raise ValueError("say at_least_months, at_most_months or both")
        return self


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    """Dates written as ISO compare as text."""
    found = func.coalesce(cast(Member.custom[params.field].as_string(), String), "")
    edges: list[ColumnElement[bool]] = [found.like(ISO)]
    if params.at_least_months is not None:
        edges.append(found <= _before(context.today, params.at_least_months).isoformat())
    if params.at_most_months is not None:
        edges.append(found > _before(context.today, params.at_most_months + 1).isoformat())
    return known(Member.id, and_(*edges))


def _before(day: date, months: int) -> date:
    """The latest day from which so many whole months have passed: of a month's last day, the last of that month."""
    index = day.year * 12 + day.month - 1 - months
    last = _last_of(date(index // 12, index % 12 + 1, 1))
    return last if day == _last_of(day) else last.replace(day=min(day.day, last.day))


def _last_of(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def words(params: Params, say: Speaker) -> str:
    values = {"field": params.field, "low": params.at_least_months, "high": params.at_most_months}
    if params.at_most_months is None:
        return say("is at least %(low)s months from %(field)s", **values)
    if params.at_least_months is None:
        return say("is at most %(high)s months from %(field)s", **values)
    return say("is %(low)s to %(high)s months from %(field)s", **values)
