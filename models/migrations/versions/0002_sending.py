"""Sending to a million: slim recipient rows, ranges in chunks, split chunks"""

import time
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WAITING = "state IN ('queued', 'claimed')"


Indexes = Mapping[str, tuple[str, list[str], str | None]]
KEYS = {"member_id": "fk_recipient_member_id_member", "campaign_id": "fk_recipient_campaign_id_campaign"}
CHUNK_COLUMNS = {
    "first_member_id": BigInt, "last_member_id": BigInt, "origin_no": sa.Integer(), "reason": sa.String(64),
    "request_id": sa.String(64), "sent_at": UtcDateTime(), "settled_at": UtcDateTime(),
}  # fmt: skip
# name: table, columns, of which rows (None: all)
ADDED = {
    "ix_recipient_member_sent": ("recipient", ["member_id", "sent_at"], "sent_at IS NOT NULL"),
    "ix_recipient_sent_at": ("recipient", ["sent_at"], "sent_at IS NOT NULL"),
    "ix_campaign_chunk_open": ("campaign_chunk", ["campaign_id", "no"], "settled_at IS NULL"),
}
REMOVED = {
    "ix_recipient_member": ("recipient", ["member_id", "sent_at"], None),
    "ix_recipient_sent": ("recipient", ["sent_at"], None),
    "ix_recipient_chunk": ("recipient", ["campaign_id", "chunk_no"], None),
    "ix_campaign_chunk_state": ("campaign_chunk", ["state"], None),
}
TRIES = 120  # for a lock that a long query holds: a second each, so that nobody queues behind us longer


def upgrade() -> None:
    _pace()
    _more_of_chunks()
    _swap_indexes(ADDED, REMOVED)
    _without_keys()


def downgrade() -> None:
    _with_keys()
    _swap_indexes(REMOVED, ADDED)
    _less_of_chunks()
    _unpace()


def _more_of_chunks() -> None:
    with op.batch_alter_table("campaign_chunk") as chunk:
        for name, kind in CHUNK_COLUMNS.items():
            chunk.add_column(sa.Column(name, kind, nullable=True))
    chunk_table = sa.table("campaign_chunk", sa.column("state"), sa.column("settled_at"))
    over = chunk_table.c.state.in_(("sent", "failed", "unsure"))
    op.execute(chunk_table.update().where(over).values(settled_at=sa.func.current_timestamp()))


def _less_of_chunks() -> None:
    with op.batch_alter_table("campaign_chunk") as chunk:
        for name in CHUNK_COLUMNS:
            chunk.drop_column(name)


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _swap_indexes(new: Indexes, old: Indexes) -> None:
    """Made while the product serves, and before those they replace go."""
    if not _is_postgresql():
        _make(new)
        _drop(old)
        return
    with op.get_context().autocommit_block():
        _make(new, postgresql_concurrently=True)
        _drop(old, postgresql_concurrently=True)


def _make(indexes: Indexes, **how: bool) -> None:
    for name, (table, columns, rows) in indexes.items():
        which = sa.text(rows) if rows else None
        # One that broke off halfway is there, but not valid.
        op.drop_index(name, table_name=table, if_exists=True, **how)
        op.create_index(name, table, columns, sqlite_where=which, postgresql_where=which, **how)


def _drop(indexes: Indexes, **how: bool) -> None:
    for name, (table, _, _) in indexes.items():
        op.drop_index(name, table_name=table, if_exists=True, **how)


def _without_keys() -> None:
    if _is_postgresql():
        _alter_patiently("ALTER TABLE recipient " + ", ".join(f"DROP CONSTRAINT IF EXISTS {key}" for key in KEYS.values()))
        return
    with op.batch_alter_table("recipient") as recipient:
        for key in KEYS.values():
            recipient.drop_constraint(key, type_="foreignkey")


def _with_keys() -> None:
    with op.batch_alter_table("recipient") as recipient:
        for column, key in KEYS.items():
            table = column.removesuffix("_id")
            recipient.create_foreign_key(key, table, [column], ["id"], postgresql_not_valid=True)


def _alter_patiently(statement: str) -> None:
    """Asks for the lock a second at a time: what waits behind a waiting ALTER waits too."""
    with op.get_context().autocommit_block():
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


def _pace() -> None:
    """Why a campaign waits and how long it may go on by itself; a bucket that LINE has slowed."""
    with op.batch_alter_table("campaign") as campaign:
        campaign.add_column(sa.Column("paused_reason", sa.String(length=64), nullable=True))
        campaign.add_column(sa.Column("goes_on_until", UtcDateTime(), nullable=True))
        campaign.add_column(sa.Column("allowance_left", sa.Integer(), nullable=True))
    with op.batch_alter_table("rate_bucket") as bucket:
        bucket.add_column(sa.Column("slow_share", sa.Float(), nullable=True))
        bucket.add_column(sa.Column("slow_at_us", BigInt, nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_outgoing_message_waiting", "outgoing_message", ["due_at", "id"], postgresql_concurrently=True,
            sqlite_where=sa.text(WAITING), postgresql_where=sa.text(WAITING), if_not_exists=True,
        )


def _unpace() -> None:
    op.drop_index("ix_outgoing_message_waiting", "outgoing_message")
    with op.batch_alter_table("rate_bucket") as bucket:
        bucket.drop_column("slow_at_us")
        bucket.drop_column("slow_share")
    with op.batch_alter_table("campaign") as campaign:
        campaign.drop_column("allowance_left")
        campaign.drop_column("goes_on_until")
        campaign.drop_column("paused_reason")
