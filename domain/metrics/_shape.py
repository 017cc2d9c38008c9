"""What a metric is: one query of rows, each a person who counts and whether they did it.

Counting the rows gives the figure, reading them gives the people, so the two cannot disagree (I6).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Select, Subquery, case

from domain.calendar import Calendar, Month

# The rows of a metric, and other selects whose columns are known by name.
Rows: TypeAlias = Select[*tuple[Any, ...]]

BASE_MONTHS = 3  # J4 looks at whom the month three before began with
FIRST_RATE = 10  # places below are of the Review
Unit = Literal["people", "orders", "money"]


@dataclass(frozen=True)
class Period:
    """A month, seen with what was recorded by `as_of`. `shelf`: what the programme says of goods (Brand.shelf)."""

    month: Month
    calendar: Calendar
    as_of: datetime
    shelf: Mapping[str, Any] = field(default_factory=dict)

    @property
    def start(self) -> datetime:
        return self.calendar.month_bounds(self.month)[0]

    @property
    def end(self) -> datetime:
        """The first moment after the month."""
        return self.calendar.month_bounds(self.month)[1]

    @property
    def last_moment(self) -> datetime:
        """The month's end, or what is known so far of a month that runs."""
        return min(self.end, self.as_of)

    @property
    def base(self) -> Month:
        return self.month.plus(-BASE_MONTHS)

    @property
    def today(self) -> date:
        return self.calendar.day_of(self.as_of)


@dataclass(frozen=True)
class Metric:
    """One number over members.

    `rows(period)` selects `member_id`, `part`, `hit` (1 = in the numerator) and `pending` (1 = too
    early to tell, in neither side), then the `asides`: further 0/1 columns counted beside the figure.
    `split` names a JSON list column that cuts each part again (the segments of a message).
    `parts` names those shown even when empty; None where there are none at all. `whole` names the part
    that is the figure itself; without it the figure is the sum of the parts. Of a share of `money` the rows
    also have a `weight`, in minor units: what each counts for. A row may be of nobody (`member_id` NULL): it
    counts and opens into no one. `trust` says when not to believe it.
    """

    key: str
    place: int
    title: str
    definition: str
    sentence: str
    rows: Callable[[Period], Rows]
    rests_on: tuple[str, ...]
    exact: bool = False
    asides: tuple[str, ...] = ()
    split: str | None = None
    parts: tuple[str, ...] | None = None
    whole: str | None = None
    unit: Unit = "people"
    trust: str = ""

    @property
    def is_rate(self) -> bool:
        """Shown by Reports, not by the Review."""
        return self.place >= FIRST_RATE


@dataclass(frozen=True)
class Figure:
    """A share as two counts, with what is counted beside it and the parts it is made of."""

    who: int
    of: int
    asides: dict[str, int] = field(default_factory=dict)
    parts: dict[str, "Figure"] = field(default_factory=dict)
    name: str = ""

    @property
    def value(self) -> float | None:
        return self.who / self.of if self.of else None

    def plain(self) -> dict[str, Any]:
        """As it is stored when a month closes."""
        parts = {key: part.plain() for key, part in self.parts.items()}
        return {"who": self.who, "of": self.of, "asides": self.asides, "parts": parts, "name": self.name}

    @classmethod
    def from_plain(cls, stored: dict[str, Any]) -> "Figure":
        parts = {key: cls.from_plain(part) for key, part in stored["parts"].items()}
        return cls(stored["who"], stored["of"], stored["asides"], parts, stored["name"])


def flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """A condition as 1 or 0, so that it can be summed."""
    return case((condition, 1), else_=0)


def first_paragraph(docstring: str | None) -> str:
    """The definition in words, as the console shows it: the first paragraph on one line."""
    return " ".join((docstring or "").strip().split("\n\n")[0].split())


def mature(rows: Subquery) -> ColumnElement[bool]:
    """Rows that count on either side."""
    return rows.c.pending == 0
