"""Sending to a million: slim recipient rows, ranges in chunks, split chunks"""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
