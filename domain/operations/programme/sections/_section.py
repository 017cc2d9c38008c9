"""What every section is: a shape that can be read from a file, and how it is kept in the tables."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from domain.operations.programme.sections._words import Key
from models.programme import Brand


@dataclass(frozen=True)
class Touch:
    """Whom a change concerns: a sentence (a msgid) and what fills it, `n` being how many people."""

    words: str
    values: dict[str, Any]


class Shape(BaseModel):
    """A part of the programme; words the product does not know are refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Whole(Protocol):
    """The file a section stands in, as far as one section may ask about another."""

    def keys(self, section: str) -> set[str]:
        """The keys of what the file says in `section`."""


class Single(Shape):
    """A section that stands once in the file and is kept on the brand's row (`brand:`, `points:`)."""

    @classmethod
    def from_brand(cls, brand: Brand) -> dict[str, Any]:
        """The values as the file says them."""
        return {name: getattr(brand, name) for name in cls.model_fields}

    def to_brand(self, brand: Brand) -> None:
        """Puts what the file says on the brand's row."""
        for name, value in self.model_dump().items():
            setattr(brand, name, value)

    def check(self, where: str, whole: Whole) -> None:
        """Refuses, by `wrong(where, why)`, what the section cannot see alone."""


class Listed(Shape):
    """A section that is a list of things with a `key`, each a row of `table`.

    Fields and columns of one name are copied; a subclass says the rest by overriding what follows.
    """

    table: ClassVar[type[Any]]
    order: ClassVar[str] = "key"  # the column the exported list goes by
    money: ClassVar[Collection[str]] = ()  # whole currency units in the file, minor units in the table
    # Columns whose change makes a new version of the row, and the column that counts the versions.
    versioned: ClassVar[tuple[Collection[str], str] | None] = None

    key: Key

    @classmethod
    def money_of(cls, values: Mapping[str, Any]) -> Collection[str]:
        """Which fields of these values are amounts of money."""
        return cls.money

    @classmethod
    def more_from_row(cls, session: Session, row: Any) -> dict[str, Any]:
        """What the file says otherwise than the columns do: keys instead of ids."""
        return {}

    def to_columns(self, session: Session) -> dict[str, Any]:
        """The fields as the table keeps them; money is turned into minor units afterwards."""
        return self.model_dump()

    def check(self, where: str, whole: Whole) -> None:
        """Refuses, by `wrong(where, why)`, what the section cannot see alone."""

    @classmethod
    def check_all(cls, items: Sequence[Any], whole: Whole) -> None:
        """Refuses what holds between the items of the section."""

    @classmethod
    def is_live(cls, row: Any) -> bool:
        """Whether a row is part of the programme, and so of the exported file."""
        return getattr(row, "archived_at", None) is None

    @classmethod
    def is_retired(cls, row: Any) -> bool:
        """Whether nothing is left to retire about a row that the file does not name."""
        return not cls.is_live(row)

    @classmethod
    def can_retire(cls, session: Session, row: Any) -> bool:
        """Whether a row that the file no longer names goes; otherwise it stays, and the diff says so."""
        return "archived_at" in inspect(cls.table).columns

    @classmethod
    def retire(cls, session: Session, row: Any, *, now: datetime) -> None:
        """Takes the row out of the programme; what it gave and did stays."""
        row.archived_at = now

    @classmethod
    def before_new(cls, session: Session, row: Any, *, now: datetime) -> None:
        """Fills what a new row needs besides its fields."""
        if "created_at" in inspect(cls.table).columns:
            row.created_at = now

    def written(self, session: Session, row: Any, changed: Collection[str], *, now: datetime) -> None:
        """What follows once the row is written; `changed` names the fields that differ (of a new one: none)."""

    @classmethod
    def touches(cls, session: Session, row: Any, item: Any, changed: Collection[str], *, now: datetime) -> list[Touch]:
        """Whom a change concerns, said before it is made; nothing is written.

        `row` is None of what is new, `item` of what goes; `changed` names the fields that differ.
        """
        return []

    @classmethod
    def settled(cls, session: Session, items: Sequence[Any], *, now: datetime) -> None:
        """What follows once the whole section is written."""
