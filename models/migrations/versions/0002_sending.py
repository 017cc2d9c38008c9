"""Sending to a million: slim recipient rows, ranges in chunks, split chunks"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, UtcDateTime
from models.migrations import live

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WAITING = "state IN ('queued', 'claimed')"


Indexes = Mapping[str, tuple[str, list[str], str | None]]
KEYS = {"member_id": "fk_recipient_member_id_member", "campaign_id": "fk_recipient_campaign_id_campaign"}
COLUMNS = {
    "campaign_chunk": {
        "first_member_id": BigInt, "last_member_id": BigInt, "origin_no": sa.Integer(), "reason": sa.String(64),
        "request_id": sa.String(64), "sent_at": UtcDateTime(), "settled_at": UtcDateTime(),
    },
    # Why a campaign waits and how long it may go on by itself; a bucket that LINE has slowed.
    "campaign": {"paused_reason": sa.String(64), "goes_on_until": UtcDateTime(), "allowance_left": sa.Integer()},
    "rate_bucket": {"slow_share": sa.Float(), "slow_at_us": BigInt},
}  # fmt: skip
# name: table, columns, of which rows (None: all)
ADDED: Indexes = {
    "ix_recipient_member_sent": ("recipient", ["member_id", "sent_at"], "sent_at IS NOT NULL"),
    "ix_recipient_sent_at": ("recipient", ["sent_at"], "sent_at IS NOT NULL"),
    "ix_campaign_chunk_open": ("campaign_chunk", ["campaign_id", "no"], "settled_at IS NULL"),
    "ix_outgoing_message_waiting": ("outgoing_message", ["due_at", "id"], WAITING),
}
REMOVED: Indexes = {
    "ix_recipient_member": ("recipient", ["member_id", "sent_at"], None),
    "ix_recipient_sent": ("recipient", ["sent_at"], None),
    "ix_recipient_chunk": ("recipient", ["campaign_id", "chunk_no"], None),
    "ix_campaign_chunk_state": ("campaign_chunk", ["state"], None),
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        live.add_columns(table, columns)
    _settle_what_is_over()
    _swap_indexes(ADDED, REMOVED)
    _without_keys()


def downgrade() -> None:
    _swap_indexes(REMOVED, ADDED)
    for table, columns in COLUMNS.items():
        live.drop_columns(table, columns)
    _with_keys()


def _settle_what_is_over() -> None:
    chunk = sa.table("campaign_chunk", sa.column("state"), sa.column("settled_at"))
    over = chunk.c.state.in_(("sent", "failed", "unsure")) & chunk.c.settled_at.is_(None)
    op.execute(chunk.update().where(over).values(settled_at=sa.func.current_timestamp()))


def _swap_indexes(new: Indexes, old: Indexes) -> None:
    """New ones are made before those they replace go."""
    for name, (table, columns, rows) in new.items():
        live.make_index(name, table, columns, rows)
    for name, (table, _, _) in old.items():
        live.drop_index(name, table)


def _without_keys() -> None:
    if live.is_postgresql():
        gone = ", ".join(f"DROP CONSTRAINT IF EXISTS {key}" for key in KEYS.values())
        with live.apart():
            live.patiently(f"ALTER TABLE recipient {gone}")
        return
    with op.batch_alter_table("recipient") as recipient:
        for key in KEYS.values():
            recipient.drop_constraint(key, type_="foreignkey")


def _with_keys() -> None:
    with op.batch_alter_table("recipient") as recipient:
        for column, key in KEYS.items():
            table = column.removesuffix("_id")
            recipient.create_foreign_key(key, table, [column], ["id"], postgresql_not_valid=True)
