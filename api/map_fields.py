"""What a map says of one field: the column it comes from, how its writing becomes ours, and questions about a row."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.errors import Invalid
from domain.wording import mark

Row = Mapping[str, str]
Rank = Callable[[str], int]
Decimals = Literal[".", ","]

CURRENCY_MARKS = re.compile(r"NT\$|TWD|THB|JPY|[$¥฿元円\s]")
GROUPED = {
    ".": re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?"),
    ",": re.compile(r"-?\d{1,3}(\.\d{3})+(,\d+)?"),
}
FORMULA_TEXT = re.compile(r'="(.*)"', re.DOTALL)  # how spreadsheets are told to leave a number its zeros
# Years as these calendars count them, where they cannot be ours, and what to add: 115/03/10, 1150310, 10/03/2569.
ERAS = {"roc": (re.compile(r"^\d{2,3}(?=\d{4}$|\D)"), 1911), "buddhist": (re.compile(r"\b2[4-6]\d\d(?!\d)"), -543)}


class Part(BaseModel):
    """A piece of a map: words it does not know are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class When(Part):
    """A question about one column; every answer given must hold."""

    column: str
    starts_with: str | None = None
    equals: str | None = None
    is_one_of: tuple[str, ...] | None = None
    contains: str | None = None
    at_most: Decimal | None = None
    above: Decimal | None = None
    is_empty: bool | None = None

    def holds(self, row: Row, decimals: Decimals = ".") -> bool:
        value = row[self.column].strip()
        return (
            (self.starts_with is None or value.startswith(self.starts_with))
            and (self.equals is None or value == self.equals)
            and (self.is_one_of is None or value in self.is_one_of)
            and (self.contains is None or self.contains in value)
            and (self.is_empty is None or self.is_empty == (not value))
            and (self.at_most is None or _compares(value, self.at_most, decimals, above=False))
            and (self.above is None or _compares(value, self.above, decimals, above=True))
        )


def _compares(value: str, limit: Decimal, decimals: Decimals, *, above: bool) -> bool:
    try:
        number = Decimal(plain_number(value, decimals))
    except InvalidOperation:
        return False  # what is no number is refused for that, further on
    return number > limit if above else number <= limit


class Source(Part):
    """Where one of our fields comes from. It says exactly one origin; the rest says how that is read."""

    column: str | None = None
    value: str | None = None
    first_of: tuple[str, ...] | None = Field(None, min_length=1)  # the first of these columns that is not empty
    joined: tuple[str, ...] | None = Field(None, min_length=2)  # columns put together: a day and its time
    product_of: tuple[str, str] | None = None
    rank_within: str | None = None
    refund_when: When | tuple[When, ...] | None = None  # any of several

    words: dict[str, str] | None = None  # what the other system calls things: {"女": "f"}; other words stay
    without_suffix: str = ""
    prefix: str = ""  # before what is not empty, so that two shops' numbers cannot meet
    era: Literal["roc", "buddhist"] | None = None
    formats: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_origin(self) -> "Source":
        if sum(getattr(self, name) is not None for name in ORIGINS) != 1:
            raise ValueError(f"say exactly one of {', '.join(ORIGINS)}")
        return self

    @property
    def columns(self) -> set[str]:
        """The columns it reads."""
        several = (*(self.first_of or ()), *(self.joined or ()), *(self.product_of or ()))
        asked = (when.column for when in self.questions)
        return {name for name in (self.column, self.rank_within, *several, *asked) if name is not None}

    @property
    def questions(self) -> tuple[When, ...]:
        """What is asked of the row to know a refund."""
        if self.refund_when is None:
            return ()
        return (self.refund_when,) if isinstance(self.refund_when, When) else self.refund_when

    def reader(self, rank: Rank, decimals: Decimals = ".") -> Callable[[Row], str]:
        """The function that reads this field of a row."""
        read = self._origin(rank, decimals)
        if not (self.words or self.without_suffix or self.prefix or self.era):
            return read
        return lambda row: self._written(read(row))

    def _origin(self, rank: Rank, decimals: Decimals) -> Callable[[Row], str]:
        if self.product_of:
            first, second = self.product_of
            return lambda row: _product(row[first], row[second], decimals)
        if self.rank_within:
            within = self.rank_within
            return lambda row: str(rank(row[within]))
        if self.refund_when is not None:
            asks = self.questions
            return lambda row: "refund" if any(each.holds(row, decimals) for each in asks) else "sale"
        if self.first_of:
            several = self.first_of
            return lambda row: next((row[name].strip() for name in several if row[name].strip()), "")
        if self.joined:
            parts = self.joined
            return lambda row: " ".join(filter(None, (row[name].strip() for name in parts)))
        if self.column is None:
            fixed = self.value or ""
            return lambda row: fixed
        name = self.column
        return lambda row: row[name]

    def _written(self, value: str) -> str:
        value = value.removesuffix(self.without_suffix)
        if self.words:
            value = self.words.get(value.strip(), value)
        if self.era:
            years, more = ERAS[self.era]
            value = years.sub(lambda year: str(int(year[0]) + more), value.strip(), count=1)
        return self.prefix + value if value.strip() else value


ORIGINS = ("column", "value", "first_of", "joined", "product_of", "rank_within", "refund_when")


def _product(first: str, second: str, decimals: Decimals) -> str:
    try:
        return str(Decimal(plain_number(first, decimals)) * Decimal(plain_number(second, decimals)))
    except InvalidOperation:
        raise Invalid(
            mark("%(first)s times %(second)s is not an amount. Correct both to plain numbers."),
            first=first or "?",
            second=second or "?",
        ) from None


@lru_cache(maxsize=10_000)
def plain_number(written: str, decimals: Decimals = ".") -> str:
    """A number without currency, thousands and full-width digits; what is no number stays as it is, to be refused.

    Thousands are taken out only where they stand in threes: `12,5` is not 125.
    """
    number = CURRENCY_MARKS.sub("", unicodedata.normalize("NFKC", written)).replace("−", "-")
    if number.startswith("(") and number.endswith(")"):
        number = "-" + number[1:-1]
    if GROUPED[decimals].fullmatch(number):
        number = number.replace("," if decimals == "." else ".", "")
    return number.replace(",", ".") if decimals == "," else number


def plain_text(written: str) -> str:
    """A cell without the wrapping that keeps spreadsheets from reading it as a number: `="0912…"`."""
    found = FORMULA_TEXT.fullmatch(written.strip())
    return found[1] if found else written
