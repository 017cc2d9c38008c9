"""Nightly scores of those who changed"""

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, Json, UtcDateTime
from models.migrations import live

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

GAPS = {"gap_count": sa.Integer(), "gap_median": sa.Float(), "gaps": sa.String()}


def upgrade() -> None:
    live.add_columns("purchase", {"changed_at": UtcDateTime()})
    _mark_what_the_old_version_writes()
    live.add_columns("member_score", GAPS)
    live.make_index("ix_purchase_days", "purchase", ["member_id", "day", "net_amount"])
    live.make_index("ix_purchase_changed", "purchase", ["changed_at"], "changed_at IS NOT NULL")
    live.drop_index("ix_purchase_member_day", "purchase")  # the beginning of ix_purchase_days
    op.create_table(
        "score_due",
        sa.Column("member_id", BigInt, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_score_due")),
    )
    op.create_table(
        "score_run",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.Column("machine_at", UtcDateTime(), nullable=True),
        sa.Column("compared_on", sa.Date(), nullable=True),
        sa.Column("rules", sa.String(length=64), nullable=False),
        sa.Column("everyones_gap", sa.Float(), nullable=True),
        sa.Column("gaps", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_run")),
    )


def downgrade() -> None:
    live.make_index("ix_purchase_member_day", "purchase", ["member_id", "day"])
    live.drop_index("ix_purchase_changed", "purchase")
    live.drop_index("ix_purchase_days", "purchase")
    live.drop_columns("purchase", ["changed_at"])
    live.drop_columns("member_score", GAPS)
    op.drop_table("score_run")
    op.drop_table("score_due")


def _mark_what_the_old_version_writes() -> None:
    """It still serves, and knows nothing of the column. Set after the column is there: rows there are stay as they are."""
    if live.is_postgresql():  # nobody shares a SQLite file with another version
        with live.apart():
            live.patiently("ALTER TABLE purchase ALTER COLUMN changed_at SET DEFAULT clock_timestamp()")
