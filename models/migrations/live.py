"""Changes of tables that are in use: nobody stands long behind a lock of ours, and a killed try is begun again.

Each of these commits what came before it in its migration, and each may be repeated. So they come first, and what
must not be repeated (new tables) last, in the transaction that also notes the step.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import OperationalError

# What waits behind a waiting ALTER waits too: so only briefly, and again, for about ten minutes.
PATIENCE = "500ms"
TRIES = 600
REST_SECONDS = 0.5
LOCK_NOT_AVAILABLE = "55P03"


def is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


@contextmanager
def apart() -> Iterator[None]:
    """On PostgreSQL each statement by itself; SQLite's migrations are whole or not at all."""
    if not is_postgresql():
        yield
        return
    with op.get_context().autocommit_block():
        yield


def patiently(statement: str) -> None:
    """One statement of PostgreSQL's, tried until its lock is free. Only within `apart()`."""
    op.execute(f"SET lock_timeout = '{PATIENCE}'")
    try:
        for _ in range(TRIES):
            if _done(statement):
                return
            time.sleep(REST_SECONDS)
    finally:
        op.execute("RESET lock_timeout")
    raise RuntimeError(f"there was no moment to do this, somebody holds the table all the time: {statement}")


def _done(statement: str) -> bool:
    try:
        op.execute(statement)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def add_columns(table: str, columns: Mapping[str, Any]) -> None:
    """Columns that may be empty."""
    if not is_postgresql():
        with op.batch_alter_table(table) as batch:
            for name, kind in columns.items():
                batch.add_column(sa.Column(name, kind, nullable=True))
        return
    dialect = op.get_bind().dialect
    adding = (f"ADD COLUMN IF NOT EXISTS {name} {kind.compile(dialect=dialect)}" for name, kind in columns.items())
    with apart():
        patiently(f"ALTER TABLE {table} {', '.join(adding)}")


def add_filled(table: str, name: str, kind: Any, value: Any) -> None:
    """A column that may not be empty: the rows there are say `value`, which the catalogue alone has to keep."""
    if not is_postgresql():
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=value))
        return
    dialect = op.get_bind().dialect
    constant = value if isinstance(value, str) else str(value.compile(dialect=dialect))
    literal = f"'{constant}'" if isinstance(value, str) else constant
    with apart():
        patiently(
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name} {kind.compile(dialect=dialect)} "
            f"DEFAULT {literal} NOT NULL"
        )


def drop_columns(table: str, names: Iterable[str]) -> None:
    if not is_postgresql():
        with op.batch_alter_table(table) as batch:
            for name in names:
                batch.drop_column(name)
        return
    with apart():
        patiently(f"ALTER TABLE {table} " + ", ".join(f"DROP COLUMN IF EXISTS {name}" for name in names))


def make_index(name: str, table: str, columns: list[str], where: str | None = None, kind: str = "btree") -> None:
    """Made while everybody writes. One that broke off halfway is there, but not valid: it goes first."""
    rows = sa.text(where) if where else None
    drop_index(name, table)
    with apart():
        op.create_index(
            name, table, columns, sqlite_where=rows, postgresql_where=rows, postgresql_using=kind,
            postgresql_concurrently=True,
        )  # fmt: skip


def drop_index(name: str, table: str) -> None:
    with apart():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
