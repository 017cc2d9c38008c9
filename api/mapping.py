"""Maps: how another system's file says what ours says. A map is data, a YAML file in `maps/`."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import Invalid, NotFound
from domain.wording import mark

FOLDER = Path(__file__).parent / "maps"
Row = Mapping[str, str]
Rank = Callable[[str], int]


class When(BaseModel):
    """A question about one column; every answer given must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    starts_with: str | None = None
    equals: str | None = None
    at_most: Decimal | None = None
    is_empty: bool | None = None

    def holds(self, row: Row) -> bool:
        value = row[self.column].strip()
        return (
            (self.starts_with is None or value.startswith(self.starts_with))
            and (self.equals is None or value == self.equals)
            and (self.is_empty is None or self.is_empty == (not value))
            and (self.at_most is None or _is_at_most(value, self.at_most))
        )


def _is_at_most(value: str, limit: Decimal) -> bool:
    try:
        return Decimal(value) <= limit
    except InvalidOperation:
        return False  # what is no number is refused for that, further on


class Skip(BaseModel):
    """Lines that are left out, and the reason written beside them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: When
    reason: str


class Source(BaseModel):
    """Where one of our fields comes from: a column, a fixed value, a product, a rank, or a question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = None
    value: str | None = None
    product_of: tuple[str, str] | None = None
    rank_within: str | None = None
    refund_when: When | None = None
    without_suffix: str = ""
    formats: tuple[str, ...] = ()

    def reader(self, rank: Rank) -> Callable[[Row], str]:
        """The function that reads this field of a row."""
        if self.product_of:
            first, second = self.product_of
            return lambda row: _product(row[first], row[second])
        if self.rank_within:
            within = self.rank_within
            return lambda row: str(rank(row[within]))
        if self.refund_when:
            asks = self.refund_when
            return lambda row: "refund" if asks.holds(row) else "sale"
        if self.column is None:
            fixed = self.value or ""
            return lambda row: fixed
        name, suffix = self.column, self.without_suffix
        return (lambda row: row[name].removesuffix(suffix)) if suffix else (lambda row: row[name])


def _product(first: str, second: str) -> str:
    try:
        return str(Decimal(first.strip()) * Decimal(second.strip()))
    except InvalidOperation:
        raise Invalid(
            mark("%(first)s times %(second)s is not an amount. Correct both to plain numbers."),
            first=first or "?",
            second=second or "?",
        ) from None


class Map(BaseModel):
    """A whole map. Without one, a file's columns are called what ours are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    reads: Literal["members", "purchases", "events"]
    encoding: str = "utf-8"
    delimiter: str = ","
    buyers: Literal["unknown", "register"] = "unknown"
    skip: tuple[Skip, ...] = ()
    fields: dict[str, Source] = Field(default_factory=dict)

    def columns(self) -> set[str]:
        """The columns this map reads, all of which the file must have."""
        wanted = {rule.when.column for rule in self.skip}
        for field in self.fields.values():
            wanted |= {field.column, field.rank_within, *(field.product_of or ())} - {None}
            if field.refund_when:
                wanted.add(field.refund_when.column)
        return wanted

    def translator(self, rank: Rank) -> Callable[[Row], dict[str, str]]:
        """Turns a row of the file into our fields. Raises Invalid for what a skip rule leaves out."""
        readers = [(name, field.reader(rank)) for name, field in self.fields.items()]

        def translate(row: Row) -> dict[str, str]:
            ours = {name: read(row) for name, read in readers}  # ranks count left-out lines too
            for rule in self.skip:
                if rule.when.holds(row):
                    raise Invalid(rule.reason)
            return ours

        return translate


def load_map(name: str, reads: str) -> Map:
    """The map of that name, or of that file. Raises NotFound or Invalid in words."""
    path = FOLDER / f"{name}.yaml" if "/" not in name else Path(name)
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
        raise NotFound(mark("There is no map %(name)s. Use one of: %(known)s."), name=name, known=known)
    try:
        found = Map.model_validate({"name": path.stem, **_yaml(path)})
    except (ValidationError, yaml.YAMLError, ValueError) as error:
        raise Invalid(mark("The map %(name)s cannot be read: %(why)s"), name=name, why=str(error)) from None
    if found.reads != reads:
        raise Invalid(
            mark("The map %(name)s reads %(map)s, not %(asked)s. Choose another map or import it as %(map)s."),
            name=name, map=found.reads, asked=reads,
        )  # fmt: skip
    return found


def _yaml(path: Path) -> dict[str, Any]:
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(read, dict):
        raise ValueError("not a mapping")
    return read
