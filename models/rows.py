"""Many rows handed to one statement: a table of values that both databases can join with."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeEngine

from models.base import UtcDateTime


def table_of(
    session: Session, name: str, columns: dict[str, TypeEngine[Any]], rows: Sequence[Sequence[Any]]
) -> FromClause:
    """`rows` as a table with these columns. Moments are passed as `stamp` writes them."""
    if session.get_bind().dialect.name == "postgresql":
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        values: BindParameter[str] = bindparam(f"{name}_rows", json.dumps(named), unique=True)
        typed = [column(each, _plain(kind)) for each, kind in columns.items()]
        return (
            func.jsonb_to_recordset(cast(values, JSONB)).table_valued(*typed, name=name).render_derived(with_types=True)
        )
    each = func.json_each(bindparam(f"{name}_rows", json.dumps(rows), unique=True)).table_valued("value")
    chosen = [
        func.json_extract(each.c.value, f"$[{place}]", type_=kind).label(label)
        for place, (label, kind) in enumerate(columns.items())
    ]
    return select(*chosen).subquery(name)


def among(session: Session, key: InstrumentedAttribute[int], ids: Sequence[int | None]) -> ColumnElement[bool]:
    """Whether `key` is one of many: one parameter where the database takes lists, so that the statement stays short."""
    if session.get_bind().dialect.name == "postgresql":
        return key == any_(bindparam(f"{key.key}_among", list(ids), ARRAY(BigInteger), unique=True))
    return key.in_(ids)


def stamp(session: Session, moment: datetime | None) -> str | None:
    """A moment as the database in use keeps it, for a row of `table_of`."""
    if moment is None:
        return None
    plain = moment.astimezone(UTC)
    if session.get_bind().dialect.name == "postgresql":
        return plain.isoformat()
    return plain.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.impl_instance if isinstance(kind, UtcDateTime) else kind
