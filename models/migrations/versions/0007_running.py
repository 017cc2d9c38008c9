"""What running it needs to know"""

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNSURE = "ix_campaign_chunk_unsure"


def upgrade() -> None:
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
    with op.batch_alter_table("job_run") as table:
        table.add_column(sa.Column("began_at", UtcDateTime(), nullable=True))
    unsure = sa.text("state = 'unsure'")
    with op.get_context().autocommit_block():  # sending goes on meanwhile
        op.create_index(
            UNSURE, "campaign_chunk", ["campaign_id", "no"], if_not_exists=True,
            postgresql_concurrently=True, postgresql_where=unsure, sqlite_where=unsure,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(UNSURE, "campaign_chunk", if_exists=True, postgresql_concurrently=True)
    with op.batch_alter_table("job_run") as table:
        table.drop_column("began_at")
    op.drop_table("tally")
    op.drop_table("process")
