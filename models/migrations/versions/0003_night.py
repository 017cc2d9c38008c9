"""Nightly scores of those who changed"""

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

GAPS = {"gap_count": sa.Integer(), "gap_median": sa.Float(), "gaps": sa.String()}


def upgrade() -> None:
    # First what is done apart on a live table, so that a killed try can be begun again.
    with op.get_context().autocommit_block():
        if "changed_at" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("purchase")}:
            op.add_column("purchase", sa.Column("changed_at", UtcDateTime(), nullable=True))
    _index("ix_purchase_days", ["member_id", "day", "net_amount"])
    _index("ix_purchase_changed", ["changed_at"], where="changed_at IS NOT NULL")
    _unindex("ix_purchase_member_day")  # the beginning of ix_purchase_days
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
    with op.batch_alter_table("member_score") as table:
        for name, kind in GAPS.items():
            table.add_column(sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    _index("ix_purchase_member_day", ["member_id", "day"])
    _unindex("ix_purchase_changed")
    _unindex("ix_purchase_days")
    with op.batch_alter_table("purchase") as table:
        table.drop_column("changed_at")
    with op.batch_alter_table("member_score") as table:
        for name in GAPS:
            table.drop_column(name)
    op.drop_table("score_run")
    op.drop_table("score_due")


def _index(name: str, columns: list[str], where: str | None = None) -> None:
    """On PostgreSQL without keeping anybody from writing; what a killed try left half made goes first."""
    condition = sa.text(where) if where else None
    with op.get_context().autocommit_block():
        op.drop_index(name, "purchase", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name, "purchase", columns, postgresql_concurrently=True,
            postgresql_where=condition, sqlite_where=condition,
        )  # fmt: skip


def _unindex(name: str) -> None:
    with op.get_context().autocommit_block():
        op.drop_index(name, "purchase", if_exists=True, postgresql_concurrently=True)
