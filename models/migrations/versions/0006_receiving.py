"""The inbox under load: indexes of what is open only, and no keys to rows that are locked at each arrival"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from models.migrations import live

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


def upgrade() -> None:
    _swap_indexes(ADDED, REMOVED)
    for table, (column, parent) in KEYS.items():
        _drop_key(table, f"fk_{table}_{column}_{parent}")


def downgrade() -> None:
    _swap_indexes(REMOVED, ADDED)
    for table, (column, parent) in KEYS.items():
        with op.batch_alter_table(table) as batch:
            batch.create_foreign_key(
                f"fk_{table}_{column}_{parent}", parent, [column], ["id"], postgresql_not_valid=True
            )


def _swap_indexes(new: Indexes, old: Indexes) -> None:
    """New ones are made before those they replace go."""
    for name, (table, columns, rows, kind) in new.items():
        live.make_index(name, table, columns, rows, kind)
    for name, (table, _, _, _) in old.items():
        live.drop_index(name, table)


def _drop_key(table: str, name: str) -> None:
    if not live.is_postgresql():
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(name, type_="foreignkey")
        return
    with live.apart():
        live.patiently(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
