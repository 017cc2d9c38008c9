"""Scores both ways, forecasts and how they fared"""

import sqlalchemy as sa
from alembic import op

from models.base import BigInt, Json, UtcDateTime
from models.migrations import live

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TAGGED = {
    "tagged_at": UtcDateTime(), "tagged_machine_at": UtcDateTime(), "tagged_version": sa.Integer(),
    "compared_at": UtcDateTime(),
}  # fmt: skip


def upgrade() -> None:
    live.add_columns("tag", TAGGED)
    live.add_columns("member_score", {"quintile_r": sa.Integer(), "quintile_f": sa.Integer(), "quintile_m": sa.Integer(), "quintile_group": sa.String(length=64), "napl_purchases": sa.String(length=64), "funnel_stage": sa.String(length=64), "affinity": Json, "amount_trend": sa.Integer(), "model_from": sa.Date(), "repeat_days": sa.Integer(), "repeat_amount": BigInt})
    op.create_table('forecast',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('band', sa.String(length=64), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('expected', sa.Double(), nullable=False),
    sa.Column('ids', sa.LargeBinary(), nullable=False),
    sa.Column('happened', sa.Integer(), nullable=True),
    sa.Column('checked_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_forecast')),
    sa.UniqueConstraint('as_of', 'band', name=op.f('uq_forecast_as_of_band'))
    )
    op.create_table('kept_report',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('document', Json, nullable=False),
    sa.Column('made_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_kept_report'))
    )
    op.create_table('model_fit',
    sa.Column('id', BigInt, nullable=False),
    sa.Column('model', sa.String(length=64), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('params', Json, nullable=False),
    sa.Column('log_likelihood', sa.Double(), nullable=True),
    sa.Column('facts', Json, nullable=False),
    sa.Column('refused', sa.String(length=64), nullable=True),
    sa.Column('fitted_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_fit')),
    sa.UniqueConstraint('model', 'as_of', name=op.f('uq_model_fit_model_as_of'))
    )
    op.create_table('member_forecast',
    sa.Column('member_id', BigInt, nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('p_alive', sa.Double(), nullable=True),
    sa.Column('p_buys_90d', sa.Double(), nullable=True),
    sa.Column('churn_band', sa.String(length=64), nullable=True),
    sa.Column('expected_purchases_12m', sa.Double(), nullable=True),
    sa.Column('expected_order', sa.Double(), nullable=True),
    sa.Column('expected_value_12m', sa.Double(), nullable=True),
    sa.Column('clv_band', sa.String(length=64), nullable=True),
    sa.Column('likely_again', sa.Double(), nullable=True),
    sa.Column('likely_again_band', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_member_forecast_member_id_member')),
    sa.PrimaryKeyConstraint('member_id', name=op.f('pk_member_forecast'))
    )
    op.create_index('ix_member_forecast_churn', 'member_forecast', ['churn_band'], unique=False)
    op.create_index('ix_member_forecast_clv', 'member_forecast', ['clv_band'], unique=False)


def downgrade() -> None:
    op.drop_table("member_forecast")
    op.drop_table("model_fit")
    op.drop_table("kept_report")
    op.drop_table("forecast")
    live.drop_columns("member_score", ['quintile_r', 'quintile_f', 'quintile_m', 'quintile_group', 'napl_purchases', 'funnel_stage', 'affinity', 'amount_trend', 'model_from', 'repeat_days', 'repeat_amount'])
    live.drop_columns("tag", list(TAGGED))
