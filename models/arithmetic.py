"""Moving moments and days inside a query, and looking into JSON lists, the same on both databases."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from statistics import median as middle
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, Date, Float, Integer, LargeBinary, String, cast, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias

from models.base import Json, UtcDateTime

# The functions models/session.py gives to SQLite.
LOCAL_DAY = "regulars_local_day"
MEDIAN = "regulars_median"
DIGEST = "regulars_digest"


class hours_later(FunctionElement[datetime]):
    """A moment, so many hours later: `hours_later(Event.occurred_at, 72)`; hours may be an expression."""

    type = UtcDateTime()
    inherit_cache = True
    name = "hours_later"

    def __init__(self, moment: Any, hours: Any) -> None:
        super().__init__(moment, cast(hours, Integer))


class days_later(FunctionElement[date]):
    """A day, so many days later."""

    type = Date()
    inherit_cache = True
    name = "days_later"

    def __init__(self, day: Any, days: Any) -> None:
        super().__init__(day, cast(days, Integer))


class days_between(FunctionElement[int]):
    """How many days after `earlier` a day is."""

    type = Integer()
    inherit_cache = True
    name = "days_between"

    def __init__(self, earlier: Any, later: Any) -> None:
        super().__init__(earlier, later)


class median(FunctionElement[float]):
    """The median of a group's values, those that are missing left out; of an even number the mean of the middle two."""

    type = Float()
    inherit_cache = True
    name = "median"

    def __init__(self, value: Any) -> None:
        super().__init__(value)


class machine_time(FunctionElement[datetime]):
    """The database's own time at this moment, for marking when a row changed."""

    type = UtcDateTime()
    inherit_cache = True
    name = "machine_time"


class local_day(FunctionElement[date]):
    """The local day of a moment in a time zone."""

    type = Date()
    inherit_cache = True
    name = "local_day"

    def __init__(self, moment: Any, zone: str) -> None:
        super().__init__(moment, literal(zone, String))


class digest(FunctionElement[bytes]):
    """The SHA-256 of a text: bytes that look drawn at random and are the same on any database and machine."""

    type = LargeBinary()
    inherit_cache = True
    name = "digest"


class as_json(FunctionElement[Any]):
    """JSON text as a JSON column keeps it: SQLite keeps the text."""

    inherit_cache = True
    name = "as_json"


class each_id(FunctionElement[int]):
    """The numbers of a JSON list, as a subquery; see `one_of`."""

    name = "each_id"
    inherit_cache = True


class json_pairs(FunctionElement[Any]):
    """The keys and values of a JSON object, as rows; see `pairs_of`."""

    inherit_cache = True
    name = "json_pairs"


class list_holds(FunctionElement[bool]):
    """Whether a JSON list column holds a word."""

    type = Boolean()
    inherit_cache = True
    name = "list_holds"

    def __init__(self, words: ColumnElement[Any], word: str) -> None:
        super().__init__(words, literal(word, String))


class json_list(FunctionElement[Any]):
    """A JSON list of values made inside a query; lists may stand in lists."""

    type = Json
    inherit_cache = True
    name = "json_list"


def _both(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> tuple[str, str]:
    first, second = (compiler.process(clause, **options) for clause in element.clauses)
    return first, second


@compiles(hours_later, "sqlite")
def _hours_sqlite(element: hours_later, compiler: SQLCompiler, **options: Any) -> str:
    moment, hours = _both(element, compiler, **options)
    # Six decimals, as SQLAlchemy stores them: moments are compared as text.
    return f"(strftime('%Y-%m-%d %H:%M:%f', {moment}, ({hours}) || ' hours') || '000')"


@compiles(hours_later, "postgresql")
def _hours_postgresql(element: hours_later, compiler: SQLCompiler, **options: Any) -> str:
    moment, hours = _both(element, compiler, **options)
    return f"({moment} + make_interval(hours => {hours}))"


@compiles(days_later, "sqlite")
def _days_sqlite(element: days_later, compiler: SQLCompiler, **options: Any) -> str:
    day, days = _both(element, compiler, **options)
    return f"date({day}, ({days}) || ' days')"


@compiles(days_later, "postgresql")
def _days_postgresql(element: days_later, compiler: SQLCompiler, **options: Any) -> str:
    day, days = _both(element, compiler, **options)
    return f"({day} + {days})"


@compiles(days_between, "sqlite")
def _between_sqlite(element: days_between, compiler: SQLCompiler, **options: Any) -> str:
    earlier, later = _both(element, compiler, **options)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"


@compiles(days_between, "postgresql")
def _between_postgresql(element: days_between, compiler: SQLCompiler, **options: Any) -> str:
    earlier, later = _both(element, compiler, **options)
    return f"({later} - {earlier})"


@compiles(median, "sqlite")
def _median_sqlite(element: median, compiler: SQLCompiler, **options: Any) -> str:
    return f"{MEDIAN}({compiler.process(element.clauses, **options)})"


@compiles(median, "postgresql")
def _median_postgresql(element: median, compiler: SQLCompiler, **options: Any) -> str:
    return f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {compiler.process(element.clauses, **options)})"


@compiles(machine_time, "sqlite")
def _machine_sqlite(element: machine_time, compiler: SQLCompiler, **options: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


@compiles(machine_time, "postgresql")
def _machine_postgresql(element: machine_time, compiler: SQLCompiler, **options: Any) -> str:
    return "clock_timestamp()"


@compiles(local_day, "sqlite")
def _local_day_sqlite(element: local_day, compiler: SQLCompiler, **options: Any) -> str:
    moment, zone = _both(element, compiler, **options)
    return f"{LOCAL_DAY}({moment}, {zone})"


@compiles(local_day, "postgresql")
def _local_day_postgresql(element: local_day, compiler: SQLCompiler, **options: Any) -> str:
    moment, zone = _both(element, compiler, **options)
    return f"CAST(timezone({zone}, {moment}) AS DATE)"


@compiles(list_holds, "sqlite")
def _holds_sqlite(element: list_holds, compiler: SQLCompiler, **options: Any) -> str:
    words, word = _both(element, compiler, **options)
    return f"EXISTS (SELECT 1 FROM json_each({words}) AS word WHERE word.value = {word})"


@compiles(list_holds, "postgresql")
def _holds_postgresql(element: list_holds, compiler: SQLCompiler, **options: Any) -> str:
    words, word = _both(element, compiler, **options)
    return f"({words} @> jsonb_build_array(CAST({word} AS TEXT)))"


def one_of(key: ColumnElement[int] | InstrumentedAttribute[Any], ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether an id is one of many: one parameter however many, so that the statement stays short and the same."""
    document = literal(json.dumps(list(ids), separators=(",", ":")), String)
    return key.op("IN", is_comparison=True, return_type=Boolean())(each_id(document))


def pairs_of(values: Mapping[Any, Any]) -> TableValuedAlias:
    """A mapping as a table of `key` (text) and `value` (JSON): many rows' values in one parameter."""
    document = literal(json.dumps(values, ensure_ascii=False), String)
    return json_pairs(document).table_valued("key", "value", name="pair")


@compiles(each_id, "sqlite")
def _ids_sqlite(element: each_id, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"


@compiles(each_id, "postgresql")
def _ids_postgresql(element: each_id, compiler: SQLCompiler, **options: Any) -> str:
    listed = compiler.process(element.clauses, **options)
    return f"(SELECT unnest(CAST(translate(CAST({listed} AS TEXT), '[]', '{{}}') AS BIGINT[])))"


@compiles(as_json, "sqlite")
def _json_sqlite(element: as_json, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(as_json, "postgresql")
def _json_postgresql(element: as_json, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS JSONB)"


@compiles(json_list, "sqlite")
def _list_sqlite(element: json_list, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **options)})"


@compiles(json_list, "postgresql")
def _list_postgresql(element: json_list, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_build_array({compiler.process(element.clauses, **options)})"


@compiles(json_pairs, "sqlite")
def _pairs_sqlite(element: json_pairs, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(json_pairs, "postgresql")
def _pairs_postgresql(element: json_pairs, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_each(CAST({compiler.process(element.clauses, **options)} AS JSONB))"


@compiles(digest, "sqlite")
def _digest_sqlite(element: digest, compiler: SQLCompiler, **options: Any) -> str:
    return f"{DIGEST}({compiler.process(element.clauses, **options)})"


@compiles(digest, "postgresql")
def _digest_postgresql(element: digest, compiler: SQLCompiler, **options: Any) -> str:
    return f"sha256(convert_to({compiler.process(element.clauses, **options)}, 'UTF8'))"


def sqlite_digest(words: str) -> bytes:
    """What SQLite calls for `digest`."""
    return hashlib.sha256(words.encode()).digest()


def sqlite_local_day(moment: str | None, zone: str) -> str | None:
    """What SQLite calls for `local_day`: UTC text in, local day text out."""
    if moment is None:
        return None
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).astimezone(_zone(zone)).date().isoformat()


class SqliteMedian:
    """What SQLite calls for `median`."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, value: float | None) -> None:
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        return float(middle(self.values)) if self.values else None


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
