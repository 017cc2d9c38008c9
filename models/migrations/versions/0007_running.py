"""What running it needs to know"""

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime
from models.migrations import live

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNSURE = "ix_campaign_chunk_unsure"


def upgrade() -> None:
    live.add_columns("job_run", {"began_at": UtcDateTime()})
    live.make_index(UNSURE, "campaign_chunk", ["campaign_id", "no"], "state = 'unsure'")
    op.create_table(
        "process",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_process")),
    )
    op.create_table(
        "tally",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("labels", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", "labels", name=op.f("pk_tally")),
    )


def downgrade() -> None:
    live.drop_index(UNSURE, "campaign_chunk")
    live.drop_columns("job_run", ["began_at"])
    op.drop_table("tally")
    op.drop_table("process")
