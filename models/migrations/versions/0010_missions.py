"""Missions, referrals, draws with tickets, versions of the programme, surveys and care"""

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, Json, UtcDateTime
from models.migrations import live

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    live.add_filled("form", "kind", sa.String(length=64), 'form')
    live.add_filled("form", "bands", Json, '[]')
    live.add_columns("form_answer", {"score": sa.Integer()})
    live.add_columns("automation", {"archived_at": UtcDateTime()})
    live.add_columns("staff_note", {"closed_words": sa.String(), "assignee_id": BigInt})
    live.add_filled("staff_note", "evidence", Json, '{}')
    live.make_index("ix_staff_note_care", "staff_note", ["member_id"], "kind = 'care' AND closed_at IS NULL")
    op.create_table('draw',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('name', Json, nullable=False),
    sa.Column('prizes', Json, nullable=False),
    sa.Column('closes_at', UtcDateTime(), nullable=False),
    sa.Column('one_prize_each', sa.Boolean(), nullable=False),
    sa.Column('seed', sa.LargeBinary(), nullable=False),
    sa.Column('seed_hash', sa.String(length=64), nullable=False),
    sa.Column('published_at', UtcDateTime(), nullable=False),
    sa.Column('list_hash', sa.String(length=64), nullable=True),
    sa.Column('drawn_at', UtcDateTime(), nullable=True),
    sa.Column('archived_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draw')),
    sa.UniqueConstraint('key', name=op.f('uq_draw_key'))
    )
    op.create_table('mission',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('name', Json, nullable=False),
    sa.Column('text', Json, nullable=False),
    sa.Column('measure', Json, nullable=False),
    sa.Column('target', BigInt, nullable=False),
    sa.Column('window', Json, nullable=False),
    sa.Column('rule', Json, nullable=True),
    sa.Column('reward', Json, nullable=False),
    sa.Column('rounds', sa.Integer(), nullable=True),
    sa.Column('rewards_per_month', sa.Integer(), nullable=True),
    sa.Column('is_shown', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('enabled_at', UtcDateTime(), nullable=True),
    sa.Column('counts_from', UtcDateTime(), nullable=True),
    sa.Column('last_good_run', UtcDateTime(), nullable=True),
    sa.Column('archived_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mission')),
    sa.UniqueConstraint('key', name=op.f('uq_mission_key'))
    )
    op.create_table('programme_version',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('sha', sa.String(length=64), nullable=False),
    sa.Column('document', Json, nullable=False),
    sa.Column('words', sa.String(length=255), nullable=False),
    sa.Column('by', sa.String(length=255), nullable=False),
    sa.Column('made_at', UtcDateTime(), nullable=False),
    sa.Column('applies_at', UtcDateTime(), nullable=False),
    sa.Column('applied_at', UtcDateTime(), nullable=True),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('error', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_programme_version'))
    )
    op.create_index('ix_programme_version_planned', 'programme_version', ['applies_at'], unique=False, sqlite_where=sa.text("state = 'planned'"), postgresql_where=sa.text("state = 'planned'"))
    op.create_table('mission_round',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('mission_id', BigInt, nullable=False),
    sa.Column('member_id', BigInt, nullable=False),
    sa.Column('via_id', BigInt, nullable=True),
    sa.Column('period', sa.String(length=64), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('progress', BigInt, nullable=False),
    sa.Column('began_at', UtcDateTime(), nullable=False),
    sa.Column('reached_at', UtcDateTime(), nullable=True),
    sa.Column('rewarded_at', UtcDateTime(), nullable=True),
    sa.Column('reason', sa.String(length=64), nullable=True),
    sa.Column('evidence', Json, nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_mission_round_member_id_member')),
    sa.ForeignKeyConstraint(['mission_id'], ['mission.id'], name=op.f('fk_mission_round_mission_id_mission')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mission_round')),
    sa.UniqueConstraint('mission_id', 'member_id', 'period', 'round', name=op.f('uq_mission_round_mission_id_member_id_period_round'))
    )
    op.create_index('ix_mission_round_member', 'mission_round', ['member_id'], unique=False)
    op.create_table('referral',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('referrer_id', BigInt, nullable=False),
    sa.Column('person_id', BigInt, nullable=False),
    sa.Column('via_id', BigInt, nullable=True),
    sa.Column('clicked_at', UtcDateTime(), nullable=False),
    sa.Column('state', sa.String(length=64), nullable=False),
    sa.Column('state_at', UtcDateTime(), nullable=False),
    sa.Column('reason', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['member.id'], name=op.f('fk_referral_person_id_member')),
    sa.ForeignKeyConstraint(['referrer_id'], ['member.id'], name=op.f('fk_referral_referrer_id_member')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_referral')),
    sa.UniqueConstraint('person_id', name=op.f('uq_referral_person_id'))
    )
    op.create_index('ix_referral_referrer', 'referral', ['referrer_id', 'state'], unique=False)
    op.create_table('ticket',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('ref', sa.String(length=64), nullable=False),
    sa.Column('draw_id', BigInt, nullable=False),
    sa.Column('member_id', BigInt, nullable=False),
    sa.Column('via_id', BigInt, nullable=True),
    sa.Column('cause', sa.String(length=255), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('withdrawn_at', UtcDateTime(), nullable=True),
    sa.Column('place', sa.Integer(), nullable=True),
    sa.Column('prize', sa.Integer(), nullable=True),
    sa.Column('given_at', UtcDateTime(), nullable=True),
    sa.Column('reason', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['draw_id'], ['draw.id'], name=op.f('fk_ticket_draw_id_draw')),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_ticket_member_id_member')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ticket')),
    sa.UniqueConstraint('cause', name=op.f('uq_ticket_cause')),
    sa.UniqueConstraint('ref', name=op.f('uq_ticket_ref'))
    )
    op.create_index('ix_ticket_draw', 'ticket', ['draw_id', 'id'], unique=False)
    op.create_index('ix_ticket_member', 'ticket', ['member_id'], unique=False)


def downgrade() -> None:
    op.drop_table("ticket")
    op.drop_table("referral")
    op.drop_table("mission_round")
    op.drop_table("programme_version")
    op.drop_table("mission")
    op.drop_table("draw")
    live.drop_columns("form", ['kind', 'bands'])
    live.drop_columns("form_answer", ['score'])
    live.drop_columns("automation", ['archived_at'])
    live.drop_index("ix_staff_note_care", "staff_note")
    live.drop_columns("staff_note", ['closed_words', 'assignee_id', 'evidence'])
