"""Sending to a million: slim recipient rows, ranges in chunks, split chunks"""

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _pace()


def downgrade() -> None:
    _unpace()


def _pace() -> None:
    """Why a campaign waits and how long it may go on by itself; a bucket that LINE has slowed."""
    with op.batch_alter_table("campaign") as campaign:
        campaign.add_column(sa.Column("paused_reason", sa.String(length=64), nullable=True))
        campaign.add_column(sa.Column("goes_on_until", UtcDateTime(), nullable=True))
    with op.batch_alter_table("rate_bucket") as bucket:
        bucket.add_column(sa.Column("slow_share", sa.Float(), nullable=True))
        bucket.add_column(sa.Column("slow_at_us", BigInt, nullable=True))


def _unpace() -> None:
    with op.batch_alter_table("rate_bucket") as bucket:
        bucket.drop_column("slow_at_us")
        bucket.drop_column("slow_share")
    with op.batch_alter_table("campaign") as campaign:
        campaign.drop_column("goes_on_until")
        campaign.drop_column("paused_reason")
