"""The inbox under load: indexes of what is open only, and no keys to rows that are locked at each arrival"""

import time
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# name: table, columns, of which rows (None: all), kind on PostgreSQL
Indexes = Mapping[str, tuple[str, list[str], str | None, str]]
ADDED: Indexes = {
    "ix_inbound_body_new": ("inbound_body", ["id"], "state = 'new'", "btree"),
    "ix_inbound_body_parked": ("inbound_body", ["id"], "state = 'parked'", "btree"),
    "ix_webhook_event_retry": ("webhook_event", ["not_before"], "state = 'retry'", "btree"),
    "ix_webhook_event_parked": ("webhook_event", ["id"], "state = 'parked'", "btree"),
    "ix_webhook_event_message": ("webhook_event", ["message_id"], "message_id IS NOT NULL", "btree"),
    "ix_webhook_event_body": ("webhook_event", ["body_id"], None, "brin"),
}
REMOVED: Indexes = {
    "ix_inbound_body_state": ("inbound_body", ["state", "id"], None, "btree"),
    "ix_webhook_event_state": ("webhook_event", ["state", "id"], None, "btree"),
    "ix_webhook_event_message_id": ("webhook_event", ["message_id"], None, "btree"),
}
KEYS = {"inbound_body": ("channel_id", "channel"), "webhook_event": ("body_id", "inbound_body")}
TRIES = 120  # for a lock that somebody holds: a second each, so that no webhook waits behind us


def upgrade() -> None:
    _swap_indexes(ADDED, REMOVED)
    for table, (column, parent) in KEYS.items():
        _drop_key(table, f"fk_{table}_{column}_{parent}")


def downgrade() -> None:
    for table, (column, parent) in KEYS.items():
        with op.batch_alter_table(table) as batch:
            batch.create_foreign_key(
                f"fk_{table}_{column}_{parent}", parent, [column], ["id"], postgresql_not_valid=True
            )
    _swap_indexes(REMOVED, ADDED)


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _swap_indexes(new: Indexes, old: Indexes) -> None:
    """Made while webhooks arrive, and before those they replace go."""
    if not _is_postgresql():
        _make(new)
        _drop(old)
        return
    with op.get_context().autocommit_block():
        _make(new, postgresql_concurrently=True)
        _drop(old, postgresql_concurrently=True)


def _make(indexes: Indexes, **how: bool) -> None:
    for name, (table, columns, rows, kind) in indexes.items():
        which = sa.text(rows) if rows else None
        # One that broke off halfway is there, but not valid.
        op.drop_index(name, table_name=table, if_exists=True, **how)
        op.create_index(
            name, table, columns, sqlite_where=which, postgresql_where=which, postgresql_using=kind, **how
        )


def _drop(indexes: Indexes, **how: bool) -> None:
    for name, (table, _, _, _) in indexes.items():
        op.drop_index(name, table_name=table, if_exists=True, **how)


def _drop_key(table: str, name: str) -> None:
    if not _is_postgresql():
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(name, type_="foreignkey")
        return
    with op.get_context().autocommit_block():
        _patiently(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")


def _patiently(statement: str) -> None:
    """Asks for the lock a second at a time: what waits behind a waiting ALTER waits too."""
    connection = op.get_bind()
    connection.execute(sa.text("SET lock_timeout = '1s'"))
    for _ in range(TRIES):
        try:
            connection.execute(sa.text(statement))
            break
        except sa.exc.OperationalError:
            time.sleep(1)
    else:
        raise RuntimeError(f"the lock for this was never free: {statement}")
    connection.execute(sa.text("RESET lock_timeout"))
