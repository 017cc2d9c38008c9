"""One person under several names: merges, proposals, and which record a thing happened on"""

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, Json, UtcDateTime
from models.migrations import live

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    live.add_columns("member", {"changed_at": UtcDateTime()})
    live.make_index("ix_member_changed", "member", ["changed_at"], "changed_at IS NOT NULL")
    live.add_columns("identity", {"seen_at": UtcDateTime()})
    live.make_index("ix_identity_seen", "identity", ["id"], "seen_at IS NOT NULL")
    live.add_filled("brand", "sites", Json, '[]')
    live.add_columns("booking", {"via_id": BigInt})
    live.add_columns("coupon_claim", {"via_id": BigInt})
    live.add_columns("enrolment", {"via_id": BigInt})
    live.add_columns("entry_source", {"campaign_ref": sa.String(length=255)})
    live.add_filled("entry_source", "kind", sa.String(length=64), 'store')
    live.add_columns("event", {"via_id": BigInt, "actor_ref": sa.String(length=255)})
    live.add_columns("form_answer", {"via_id": BigInt})
    live.add_columns("member_tag", {"via_id": BigInt})
    live.add_columns("purchase", {"via_id": BigInt})
    live.add_columns("recipient", {"via_id": BigInt})
    live.add_columns("staff_note", {"via_id": BigInt})
    live.add_columns("tier_line", {"via_id": BigInt})
    live.add_columns("waitlist_entry", {"via_id": BigInt})
    live.make_index("ix_event_actor", "event", ['actor_ref'], "actor_ref IS NOT NULL")
    live.make_index("ix_event_via", "event", ['via_id'], "via_id IS NOT NULL")
    op.create_table('merge',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('kept_id', BigInt, nullable=False),
    sa.Column('gone_id', BigInt, nullable=False),
    sa.Column('reason', sa.String(length=64), nullable=False),
    sa.Column('evidence', Json, nullable=False),
    sa.Column('before', Json, nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by_id', BigInt, nullable=True),
    sa.Column('undone_at', UtcDateTime(), nullable=True),
    sa.Column('undone_by_id', BigInt, nullable=True),
    sa.Column('undone_reason', sa.String(length=255), nullable=True),
    sa.ForeignKeyConstraint(['by_id'], ['staff.id'], name=op.f('fk_merge_by_id_staff')),
    sa.ForeignKeyConstraint(['gone_id'], ['member.id'], name=op.f('fk_merge_gone_id_member')),
    sa.ForeignKeyConstraint(['kept_id'], ['member.id'], name=op.f('fk_merge_kept_id_member')),
    sa.ForeignKeyConstraint(['undone_by_id'], ['staff.id'], name=op.f('fk_merge_undone_by_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_merge'))
    )
    op.create_index('ix_merge_kept', 'merge', ['kept_id'], unique=False)
    op.create_index('uq_merge_open', 'merge', ['gone_id'], unique=True, sqlite_where=sa.text('undone_at IS NULL'), postgresql_where=sa.text('undone_at IS NULL'))
    op.create_table('upload',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('what', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('map', sa.String(length=64), nullable=True),
    sa.Column('map_text', sa.String(), nullable=True),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('report', Json, nullable=False),
    sa.Column('error', sa.String(), nullable=True),
    sa.Column('rejected', sa.LargeBinary(), nullable=True),
    sa.Column('has_rejected', sa.Boolean(), nullable=False),
    sa.Column('staff_id', BigInt, nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('finished_at', UtcDateTime(), nullable=True),
    sa.Column('lease_until', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_upload_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_upload'))
    )
    op.create_index('ix_upload_open', 'upload', ['id'], unique=False, sqlite_where=sa.text("state IN ('waiting', 'running')"), postgresql_where=sa.text("state IN ('waiting', 'running')"))
    op.create_table('merge_proposal',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('low_id', BigInt, nullable=False),
    sa.Column('high_id', BigInt, nullable=False),
    sa.Column('evidence', Json, nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('found_at', UtcDateTime(), nullable=False),
    sa.Column('decided_at', UtcDateTime(), nullable=True),
    sa.Column('decided_by_id', BigInt, nullable=True),
    sa.ForeignKeyConstraint(['decided_by_id'], ['staff.id'], name=op.f('fk_merge_proposal_decided_by_id_staff')),
    sa.ForeignKeyConstraint(['high_id'], ['member.id'], name=op.f('fk_merge_proposal_high_id_member')),
    sa.ForeignKeyConstraint(['low_id'], ['member.id'], name=op.f('fk_merge_proposal_low_id_member')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_merge_proposal')),
    sa.UniqueConstraint('low_id', 'high_id', name=op.f('uq_merge_proposal_low_id_high_id'))
    )
    op.create_index('ix_merge_proposal_state', 'merge_proposal', ['state', 'id'], unique=False)


def downgrade() -> None:
    op.drop_table("merge_proposal")
    op.drop_table("upload")
    op.drop_table("merge")
    live.drop_index("ix_event_actor", "event")
    live.drop_index("ix_event_via", "event")
    live.drop_columns("brand", ["sites"])
    live.drop_columns("booking", ['via_id'])
    live.drop_columns("coupon_claim", ['via_id'])
    live.drop_columns("enrolment", ['via_id'])
    live.drop_columns("entry_source", ['kind', 'campaign_ref'])
    live.drop_columns("event", ['via_id', 'actor_ref'])
    live.drop_columns("form_answer", ['via_id'])
    live.drop_columns("member_tag", ['via_id'])
    live.drop_columns("purchase", ['via_id'])
    live.drop_columns("recipient", ['via_id'])
    live.drop_columns("staff_note", ['via_id'])
    live.drop_columns("tier_line", ['via_id'])
    live.drop_columns("waitlist_entry", ['via_id'])
    live.drop_index("ix_member_changed", "member")
    live.drop_columns("member", ["changed_at"])
    live.drop_index("ix_identity_seen", "identity")
    live.drop_columns("identity", ["seen_at"])
