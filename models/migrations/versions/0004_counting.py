"""Drafts of open months and sets of people"""

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, Json, UtcDateTime
from models.migrations import live

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As the models have them at this step (models/member.py, models/programme.py).
LEFT_OUT = "erased_at IS NOT NULL OR merged_into_id IS NOT NULL OR is_test OR is_staff"
INDEXES = (
    ("ix_member_left_out", "member", ["id"], LEFT_OUT),
    ("ix_member_tag_expires", "member_tag", ["expires_at", "tag_id"], "removed_at IS NULL"),
)


def upgrade() -> None:
    live.add_columns("month_close", {"records": BigInt})
    for name, table, columns, where in INDEXES:
        live.make_index(name, table, columns, where)
    op.create_table(
        "people_set",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("marks", Json, nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_people_set")),
    )
    op.create_table(
        "metric_daily",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("count", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", name=op.f("pk_metric_daily")),
    )
    op.create_table(
        "rollup",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("marks", Json, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rollup")),
    )
    op.create_table(
        "month_draft",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("month", sa.String(length=64), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("wanted_at", UtcDateTime(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_month_draft")),
        sa.UniqueConstraint("month", name=op.f("uq_month_draft_month")),
    )
    op.create_table(
        "draft_people",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("draft_id", BigInt, nullable=False),
        sa.Column("metric", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("side", sa.String(length=64), nullable=False),
        sa.Column("count", BigInt, nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["month_draft.id"], name=op.f("fk_draft_people_draft_id_month_draft"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_people")),
        sa.UniqueConstraint(
            "draft_id", "metric", "part", "side", name=op.f("uq_draft_people_draft_id_metric_part_side")
        ),
    )


def downgrade() -> None:
    for name, table, _columns, _where in reversed(INDEXES):
        live.drop_index(name, table)
    live.drop_columns("month_close", ["records"])
    for table in ("draft_people", "month_draft", "rollup", "metric_daily", "people_set"):
        op.drop_table(table)
