"""Of the members who stood below the highest tier when the month began, those who rose at least once during it.

A tier that was given (by staff, by a referral) counts as rising too. Who joined during the month is not among
them: they had nowhere to rise from (definitions §10).
"""

from sqlalchemy import ColumnElement, exists, func, literal, select
from sqlalchemy.orm import aliased

from domain.metrics._people import is_member
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.metrics._tiers import in_use, ranks_at
from domain.wording import mark
from models.member import Member
from models.programme import Tier, TierLine

RISING = ("upgraded", "granted", "by_hand")


def rows(period: Period) -> Rows:
    before = ranks_at(period.start).subquery("before")
    top = select(func.max(Tier.rank)).where(in_use(period.start)).scalar_subquery()
    return (
        select(Member.id.label("member_id"), literal("").label("part"), flag(_rose(period)).label("hit"),
               literal(0).label("pending"))
        .outerjoin(before, before.c.member_id == Member.id)
        .where(is_member(period.start), func.coalesce(before.c.rank, 0) < top)
    )  # fmt: skip


def _rose(period: Period) -> ColumnElement[bool]:
    to, was = aliased(Tier), aliased(Tier)
    return exists(
        select(1)
        .select_from(TierLine)
        .join(to, to.id == TierLine.tier_id)
        .outerjoin(was, was.id == TierLine.from_tier_id)
        .where(
            TierLine.member_id == Member.id,
            TierLine.reason.in_(RISING),
            TierLine.at >= period.start,
            TierLine.at < period.end,
            TierLine.at <= period.as_of,
            to.rank > func.coalesce(was.rank, 0),
        )
        .correlate(Member)
    )


METRIC = Metric(
    key="upgrade_rate",
    place=11,
    title=mark("Upgrade rate"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of the %(of)s members who could rise rose a tier."),
    trust=mark("A month in which thresholds were changed, or history was imported, is no measure of what people did."),
    rows=rows,
    rests_on=("purchase",),
)
