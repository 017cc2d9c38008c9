"""Maps: how another system's file says what ours says. A map is data, a YAML file in `maps/` or one's own."""

import codecs
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from api.map_fields import Decimals, Part, Rank, Row, Source, When, plain_number, plain_text
from api.parsing import PURCHASE_COLUMNS
from domain.errors import Invalid, NotFound
from domain.wording import mark

FOLDER = Path(__file__).parent / "maps"
NEEDED: dict[str, tuple[str, ...]] = {
    "members": (),
    "purchases": ("order_id", "line_no", "paid_at", "sku", "amount"),
    "events": (),
}
NAMING = ("member_ref", "line_user_id", "phone", "email")
NUMBERS = ("amount", "quantity")
# Where the refunds beside an order's own lines are numbered: far above any line.
BESIDE = 1_000_000


class Skip(Part):
    """Lines that are left out, and the reason written beside them."""

    when: When
    reason: str


class TakesBack(Part):
    """Lines of which something, or all, was taken back: a sale and its refund stand in one line of the file.

    The refund names the order it stands in. `fields` say what differs from the sale (how much, when); without,
    all of it is taken back. So a cancelled order counts nothing whether or not it was loaded before.
    """

    when: When
    fields: dict[str, Source] = Field(default_factory=dict)


class Carried(Part):
    """Columns written only in the first line of several that belong together: the others have them too."""

    within: str
    columns: tuple[str, ...] = Field(min_length=1)


class Kind(Part):
    """Lines that begin with `mark`, and what the cells after it are."""

    mark: str
    columns: tuple[str, ...] = Field(min_length=1)


class Records(Part):
    """A file without a header in which a head is followed by its lines, told apart by their first cell."""

    head: Kind
    line: Kind


class Map(Part):
    """A whole map. Without one, a file's columns are called what ours are."""

    name: str = ""
    title: str = ""  # what it is called where one chooses
    reads: Literal["members", "purchases", "events"]
    encoding: str | tuple[str, ...] = "utf-8"  # of several, the first in which the file can be read
    delimiter: str = Field(",", min_length=1, max_length=1)
    header_on: int = Field(1, ge=1, le=50)  # the line that names the columns; those before it are passed over
    decimals: Decimals = "."
    buyers: Literal["unknown", "register"] = "unknown"
    records: Records | None = None
    carried: Carried | None = None
    skip: tuple[Skip, ...] = ()
    takes_back: tuple[TakesBack, ...] = ()
    fields: dict[str, Source] = Field(default_factory=dict)

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for each in [value] if isinstance(value, str) else value:
            try:
                codecs.lookup(each)
            except LookupError:
                raise ValueError(f"there is no encoding {each}; write utf-8, cp950 (Big5), cp932 or utf-16") from None
        return value

    @model_validator(mode="after")
    def _whole(self) -> "Map":
        if self.fields and self.reads == "purchases":
            _say_missing([name for name in NEEDED["purchases"] if name not in self.fields])
            _say_unknown(self.fields, PURCHASE_COLUMNS)
            for each in self.takes_back:
                _say_unknown(each.fields, PURCHASE_COLUMNS)
        if self.fields and self.reads == "members" and not self.fields.keys() & {*NAMING}:
            raise ValueError(f"fields name nobody: say at least one of {', '.join(NAMING)}")
        if self.takes_back and self.reads != "purchases":
            raise ValueError("only purchases are taken back")
        return self

    @property
    def encodings(self) -> tuple[str, ...]:
        return (self.encoding,) if isinstance(self.encoding, str) else self.encoding

    def columns(self) -> set[str]:
        """The columns this map reads, all of which the file must have."""
        wanted = {rule.when.column for rule in self.skip} | {rule.when.column for rule in self.takes_back}
        wanted |= {self.carried.within, *self.carried.columns} if self.carried else set()
        for field in self._sources():
            wanted |= field.columns
        return wanted

    @property
    def formats(self) -> tuple[str, ...]:
        """How this map's times are written."""
        return tuple(each for source in self._sources() for each in source.formats)

    def _sources(self) -> Iterable[Source]:
        yield from self.fields.values()
        for rule in self.takes_back:
            yield from rule.fields.values()

    def translator(self, rank: Rank) -> Callable[[Row], list[dict[str, str]]]:
        """Turns a row of the file into rows of ours: one, or a sale and what was taken back of it.

        Raises Invalid for what a skip rule leaves out.
        """
        readers = self._readers(self.fields, rank)
        beside = [self._readers(rule.fields, rank) for rule in self.takes_back]
        carry = _Carrier(self.carried) if self.carried else None

        def translate(row: Row) -> list[dict[str, str]]:
            row = {name: plain_text(value) for name, value in row.items()}
            if carry:
                row = carry(row)
            ours = {name: read(row) for name, read in readers}  # ranks count left-out lines too
            if ours.get("kind") == "sale":
                ours["refund_of"] = ""  # such a column names the line's own order on sales
            for rule in self.skip:
                if rule.when.holds(row, self.decimals):
                    raise Invalid(rule.reason)
            for n, taken in enumerate(self.takes_back):
                if taken.when.holds(row, self.decimals):
                    return [ours, _taken_back(ours, {name: read(row) for name, read in beside[n]}, n + 1)]
            return [ours]

        return translate

    def _readers(self, fields: Mapping[str, Source], rank: Rank) -> list[tuple[str, Callable[[Row], str]]]:
        return [(name, self._reader(name, field, rank)) for name, field in fields.items()]

    def _reader(self, name: str, field: Source, rank: Rank) -> Callable[[Row], str]:
        read, decimals = field.reader(rank, self.decimals), self.decimals
        is_number = name in NUMBERS and self.reads == "purchases"
        return (lambda row: plain_number(read(row), decimals)) if is_number else read


class _Carrier:
    """Remembers the first line of what belongs together."""

    def __init__(self, carried: Carried) -> None:
        self._carried = carried
        self._first: Row = {}

    def __call__(self, row: dict[str, str]) -> dict[str, str]:
        if row[self._carried.within] != self._first.get(self._carried.within):
            self._first = row
            return row
        return {**row, **{name: row[name].strip() or self._first[name] for name in self._carried.columns}}


def _taken_back(sale: Mapping[str, str], differs: Mapping[str, str], n: int) -> dict[str, str]:
    try:
        line_no = int(sale["line_no"]) + n * BESIDE
    except ValueError:
        line_no = 0  # the sale is refused for its number, and this with it
    refund = {"kind": "refund", "refund_of": sale["order_id"], "line_no": str(line_no)}
    return {**sale, **{name: value for name, value in differs.items() if value.strip()}, **refund}


def _say_missing(missing: list[str]) -> None:
    if missing:
        raise ValueError(f"fields lack {', '.join(missing)}")


def _say_unknown(fields: Mapping[str, Source], known: Iterable[str]) -> None:
    unknown = sorted(fields.keys() - {*known})
    if unknown:
        raise ValueError(f"there is no field {unknown[0]}; there are: {', '.join(known)}")


def load_map(name: str, reads: str) -> Map:
    """The map of that name, or of that file. Raises NotFound or Invalid in words."""
    path = Path(name) if "/" in name or name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
        raise NotFound(mark("There is no map %(name)s. Use one of: %(known)s."), name=name, known=known)
    found = read_map(path.read_text(encoding="utf-8", errors="replace"), name=path.stem)
    if found.reads != reads:
        raise Invalid(
            mark("The map %(name)s reads %(map)s, not %(asked)s. Choose another map or import it as %(map)s."),
            name=name, map=found.reads, asked=reads,
        )  # fmt: skip
    return found


def read_map(text: str, *, name: str) -> Map:
    """A map from its text. Raises Invalid saying where it is wrong and why."""
    try:
        read = yaml.safe_load(text)
        if not isinstance(read, dict):
            raise ValueError("a map is a list of names with their values, such as `reads: purchases`")
        return Map.model_validate({**read, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        why = first["msg"].removeprefix("Value error, ")
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where, why = f"line {place.line + 1 if place else '?'}", getattr(error, "problem", None) or "not YAML"
    except ValueError as error:
        where, why = "the whole", str(error)
    raise Invalid(mark("The map %(name)s cannot be read: at %(where)s, %(why)s"), name=name, where=where, why=why)


def known_maps() -> list[Map]:
    """The maps that come with the product, by what they read and their title."""
    found = [read_map(path.read_text(encoding="utf-8"), name=path.stem) for path in FOLDER.glob("*.yaml")]
    return sorted(found, key=lambda each: (each.reads != "purchases", each.reads, each.title or each.name))
