"""What a page of Reports is: figures counted once, then told in a language; every number opens into its people.

A file of this folder with a PAGE in it is a report: it appears under Reports, is counted in the night for a large
brand, and needs no code of its own in the console.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy.orm import Session

from domain.calendar import Month
from domain.metrics._shape import Figure
from domain.reports import review_words
from domain.rules import Names
from domain.wording import money_words, say, say_many
from models.packing import People

Asked: TypeAlias = Mapping[str, str]  # what was chosen on the page
Document: TypeAlias = dict[str, Any]  # what was counted, as JSON can hold it


class Teller:
    """Says a report in one language."""

    def __init__(self, language: str, names: Names, currency: str) -> None:
        self.language, self.names, self.currency = language, names, currency

    def __call__(self, message: str, **values: Any) -> str:
        return say(self.language, message, **values)

    def many(self, one: str, many: str, n: int, **values: Any) -> str:
        return say_many(self.language, one, many, n, **values)

    def money(self, amount: float) -> str:
        sign = "−" if amount < 0 else ""
        return sign + money_words(self.language, abs(round(amount)), self.currency)

    def month(self, month: str) -> str:
        return review_words.month_words(Month.parse(month), self.language)

    def share(self, who: int, of: int) -> str:
        """A percentage where there are people enough for one, else nothing (definitions §2)."""
        return review_words.shown(Figure(who, of))

    def whole(self, who: int, of: int) -> str:
        """A percentage of everyone there is: no sample, so no few are too few."""
        return review_words.percent(who / of) if of else ""

    def of_whom(self, who: int, of: int) -> str:
        return review_words.of_whom(Figure(who, of), self.language)

    def between(self, who: int, of: int) -> str:
        return review_words.between(Figure(who, of), self.language)


@dataclass(frozen=True)
class Cell:
    """One figure or word of a table. `people` names the list it opens into; `shade` 0 to 4 darkens it."""

    text: str
    people: str = ""
    note: str = ""
    shade: int = 0
    is_grey: bool = False
    is_words: bool = False  # a sentence among figures: broken into lines, from the left


@dataclass(frozen=True)
class Table:
    """Rows begin with their name. `numbers`: all columns but the first stand to the right."""

    caption: str
    columns: tuple[str, ...]
    rows: list[list[Cell]]
    about: str = ""
    empty: str = ""
    numbers: bool = True


@dataclass(frozen=True)
class Bars:
    """A picture of a few figures of one unit, each with what it says."""

    caption: str
    bars: list[tuple[str, float, str]]


@dataclass(frozen=True)
class Choice:
    """Something to choose on the page: [(value, words)]."""

    name: str
    label: str
    options: list[tuple[str, str]]
    value: str


@dataclass(frozen=True)
class Noting:
    """A field for a decision about one of the rows: what it is about, in words, and what was noted."""

    about: str
    name: str
    noted: str = ""
    by: str = ""


@dataclass(frozen=True)
class Told:
    """A report in words: the answer, what else must be said, the picture, the tables."""

    answer: str
    more: list[str] = field(default_factory=list)
    chart: Bars | None = None
    tables: list[Table] = field(default_factory=list)
    notings: list[Noting] = field(default_factory=list)
    has_data: bool = True


@dataclass(frozen=True)
class Listed:
    """The people behind a number, what the list is called, and for a page of them why each is in it."""

    people: People
    called: str
    why: Callable[[list[int]], dict[int, str]] | None = None


Choices: TypeAlias = Callable[[Session, Mapping[str, str], Teller, datetime], list[Choice]]
Count: TypeAlias = Callable[[Session, Asked, datetime], Document]
Tell: TypeAlias = Callable[[Document, Asked, Teller], Told]
Behind: TypeAlias = Callable[[Session, Asked, str, Teller, datetime], Listed]


@dataclass(frozen=True)
class Page:
    """One report. `behind(session, asked, name, …)` gives the people of a cell by the rows it was counted from.

    `nightly(session, now)` names what is counted in the night where that takes long; `how_long` is `long` when it is
    never counted while somebody waits, except for a small brand.
    """

    key: str
    place: int
    group: str
    title: str
    about: str
    rests_on: str
    trust: str
    choices: Choices
    count: Count
    tell: Tell
    behind: Behind
    nightly: Callable[[Session, datetime], list[dict[str, str]]] | None = None
    how_long: Literal["short", "long"] = "short"


def no_choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return []


def chosen(options: list[tuple[str, str]], given: str | None, default: str = "") -> str:
    """What was asked for when it can be, else the default, else the first."""
    values = [value for value, _ in options]
    if given in values:
        return str(given)
    return default if default in values else next(iter(values), "")
