"""On which tier everyone stood at a moment, from the tier ledger."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select

from domain.metrics._shape import Rows
from models.programme import Tier, TierLine


def in_use(moment: datetime) -> ColumnElement[bool]:
    """Tiers that could still be reached then: not those archived by that moment, though some may yet stand on them."""
    return or_(Tier.archived_at.is_(None), Tier.archived_at > moment)


def ranks_at(moment: datetime) -> Rows:
    """(member_id, rank, key) by each person's last ledger line before `moment`; who has none is left out."""
    newest_first = func.row_number().over(
        partition_by=TierLine.member_id, order_by=(TierLine.at.desc(), TierLine.id.desc())
    )
    lines = select(TierLine.member_id, TierLine.tier_id, newest_first.label("place")).where(TierLine.at < moment)
    among = lines.subquery("tier_lines")
    return select(among.c.member_id, Tier.rank, Tier.key).join(Tier, Tier.id == among.c.tier_id).where(
        among.c.place == 1
    )  # fmt: skip
