"""Runs migrations on the database Alembic was pointed at. Batch mode, because SQLite cannot alter in place."""

from typing import Any

from alembic import context

from models.base import BigInt, Json, UtcDateTime
from models.session import make_engine
from models.tables import metadata

OURS = {UtcDateTime: "UtcDateTime()"}


def render_item(kind: str, item: Any, autogen: Any) -> Any:
    """Writes our own column types by name in generated migrations."""
    if kind != "type":
        return False
    named = {id(BigInt): "BigInt", id(Json): "Json"}
    written = named.get(id(item)) or OURS.get(type(item))
    if written:
        autogen.imports.add(f"from models.base import {written.removesuffix('()')}")
    return written or False


engine = make_engine(context.config.get_main_option("sqlalchemy.url") or "")
with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        # A table is altered by making it anew; rows that point at it must not mind while it is away.
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.close()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        render_item=render_item,
        # One at a time, so that indexes of large tables can be made while the product serves.
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
