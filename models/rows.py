"""Many rows handed to one statement: a table of values that both databases can join with."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeEngine

from models.base import Base, UtcDateTime
from models.session import insert_for


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


def insert_many(
    session: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    once: Sequence[str] = (),
    where: str | None = None,
    returning: InstrumentedAttribute[Any] | None = None,
) -> list[Any]:
    """Writes rows that all have the same columns; what would repeat the columns `once` is passed over:
    of all rows, or of those `where` this SQL is true, where the key is of some rows only.

    Returns `returning` of those written, when asked for. On PostgreSQL all of it is one parameter: thousands of
    small ones cost the client more than the database. A default that is a function is called once for all rows,
    so what must differ stands in the rows.
    """
    if not rows:
        return []
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    statement = insert_for(session)(model.__table__)
    if is_postgresql:
        columns = {name: model.__table__.c[name].type for name in rows[0]}
        told = [[_told(row[name]) for name in columns] for row in rows]
        values = table_of(session, "fresh", columns, told)
        statement = statement.from_select(list(columns), select(*(values.c[name] for name in columns)))
    if once:
        rows_of_key = text(where) if where else None
        statement = statement.on_conflict_do_nothing(index_elements=list(once), index_where=rows_of_key)
    if returning is not None:
        statement = statement.returning(model.__table__.c[returning.key])
    done = session.execute(statement) if is_postgresql else session.execute(statement, [dict(row) for row in rows])
    return list(done.scalars()) if returning is not None else []


def _told(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def among(session: Session, key: InstrumentedAttribute[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Whether `key` is one of many: one parameter where the database takes lists, so that the statement stays short."""
    several = list(values)
    if session.get_bind().dialect.name == "postgresql":
        kind = BigInteger() if isinstance(key.type, BigInteger | Integer) else Text()
        return key == any_(bindparam(f"{key.key}_among", several, ARRAY(kind), unique=True))
    return key.in_(several)


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
