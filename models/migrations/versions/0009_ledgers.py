"""Ledgers: points in lots, thresholds by day, access; coupons with more terms and codes from elsewhere"""

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, Json, UtcDateTime
from models.migrations import live

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    live.add_filled("brand", "points", Json, '{}')
    live.add_filled("brand", "tiers_by", sa.String(length=64), 'spend')
    live.add_filled("brand", "tiers_fall", sa.String(length=64), 'earned')
    live.add_filled("brand", "rfm_by", sa.String(length=64), 'fixed')
    live.add_filled("brand", "napl_by", sa.String(length=64), 'activity')
    live.add_filled("brand", "margin_percent", sa.Integer(), '100')
    live.add_filled("brand", "point_cost", sa.Double(), '0.0')
    live.add_filled("brand", "shelf", Json, '{}')
    live.add_columns("coupon", {"use_from": UtcDateTime(), "cost": BigInt, "use_rule": Json})
    live.add_filled("coupon", "weekdays", Json, '[]')
    live.add_filled("coupon", "stores", Json, '[]')
    live.add_filled("coupon", "early", Json, '[]')
    live.add_filled("coupon", "has_codes", sa.Boolean(), sa.false())
    live.add_columns("coupon_claim", {"void_reason": sa.String(length=255), "reissue_of_id": BigInt})
    live.add_columns("point_line", {"via_id": BigInt, "expires_at": UtcDateTime(), "purchase_id": BigInt, "staff_id": BigInt})
    live.add_filled("point_line", "evidence", Json, '{}')
    live.add_columns("tier", {"archived_at": UtcDateTime()})
    live.add_columns("tier_line", {"recorded_at": UtcDateTime()})
    live.make_index("ix_tier_line_recorded", "tier_line", ['recorded_at'])
    live.make_index("ix_point_line_purchase", "point_line", ['purchase_id'])
    op.create_table('ladder',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('from_day', sa.Date(), nullable=False),
    sa.Column('thresholds', Json, nullable=False),
    sa.Column('measure', sa.String(length=64), nullable=False),
    sa.Column('fall', sa.String(length=64), nullable=False),
    sa.Column('by', sa.String(length=255), nullable=False),
    sa.Column('made_at', UtcDateTime(), nullable=False),
    sa.Column('settled_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ladder'))
    )
    op.create_index('ix_ladder_from', 'ladder', ['from_day'], unique=False)
    op.create_table('access_line',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('member_id', BigInt, nullable=False),
    sa.Column('via_id', BigInt, nullable=True),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('starts_at', UtcDateTime(), nullable=False),
    sa.Column('ends_at', UtcDateTime(), nullable=True),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('reason', sa.String(length=64), nullable=False),
    sa.Column('cause', sa.String(length=255), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('evidence', Json, nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_access_line_member_id_member')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_access_line')),
    sa.UniqueConstraint('cause', name=op.f('uq_access_line_cause'))
    )
    op.create_index('ix_access_line_ends', 'access_line', ['key', 'ends_at'], unique=False)
    op.create_index('ix_access_line_member', 'access_line', ['member_id', 'key'], unique=False)
    op.create_table('coupon_code',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('coupon_id', BigInt, nullable=False),
    sa.Column('code', sa.String(length=255), nullable=False),
    sa.Column('claim_id', BigInt, nullable=True),
    sa.Column('imported_at', UtcDateTime(), nullable=False),
    sa.Column('voided_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['claim_id'], ['coupon_claim.id'], name=op.f('fk_coupon_code_claim_id_coupon_claim')),
    sa.ForeignKeyConstraint(['coupon_id'], ['coupon.id'], name=op.f('fk_coupon_code_coupon_id_coupon')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_coupon_code')),
    sa.UniqueConstraint('claim_id', name=op.f('uq_coupon_code_claim_id')),
    sa.UniqueConstraint('coupon_id', 'code', name=op.f('uq_coupon_code_coupon_id_code'))
    )
    op.create_index('ix_coupon_code_free', 'coupon_code', ['coupon_id', 'id'], unique=False, sqlite_where=sa.text('claim_id IS NULL AND voided_at IS NULL'), postgresql_where=sa.text('claim_id IS NULL AND voided_at IS NULL'))
    op.create_table('point_lot',
    sa.Column('line_id', BigInt, nullable=False),
    sa.Column('member_id', BigInt, nullable=False),
    sa.Column('points', sa.Integer(), nullable=False),
    sa.Column('remaining', sa.Integer(), nullable=False),
    sa.Column('usable_at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['line_id'], ['point_line.id'], name=op.f('fk_point_lot_line_id_point_line')),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_point_lot_member_id_member')),
    sa.PrimaryKeyConstraint('line_id', name=op.f('pk_point_lot'))
    )
    op.create_index('ix_point_lot_expires', 'point_lot', ['expires_at'], unique=False)
    op.create_index('ix_point_lot_member', 'point_lot', ['member_id', 'expires_at'], unique=False)
    # Points given before there were lots: nothing was ever spent of them, so each is its own lot.
    op.execute(
        "INSERT INTO point_lot (line_id, member_id, points, remaining, usable_at, expires_at) "
        "SELECT id, member_id, points, points, coalesce(usable_at, at), expires_at FROM point_line WHERE points > 0"
    )


def downgrade() -> None:
    op.drop_table("point_lot")
    op.drop_table("coupon_code")
    op.drop_table("access_line")
    op.drop_table("ladder")
    live.drop_index("ix_point_line_purchase", "point_line")
    live.drop_index("ix_tier_line_recorded", "tier_line")
    live.drop_columns("tier_line", ['recorded_at'])
    live.drop_columns("tier", ['archived_at'])
    live.drop_columns("brand", ['points', 'tiers_by', 'tiers_fall', 'rfm_by', 'napl_by', 'margin_percent', 'point_cost', 'shelf'])
    live.drop_columns("coupon", ['use_from', 'weekdays', 'stores', 'early', 'cost', 'has_codes', 'use_rule'])
    live.drop_columns("coupon_claim", ['void_reason', 'reissue_of_id'])
    live.drop_columns("point_line", ['via_id', 'expires_at', 'purchase_id', 'staff_id', 'evidence'])
