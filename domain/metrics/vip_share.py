"""Of all members at the month's end, those on one of the upper tiers: the third and above, such as gold and
black; with fewer than three tiers, the highest.

Everyone is counted, so there is no interval (definitions §10).
"""

from sqlalchemy import func, literal, select

from domain.metrics._people import is_member
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.metrics._tiers import in_use, ranks_at
from domain.wording import mark
from models.member import Member
from models.programme import Tier

BELOW_VIP = 2


def rows(period: Period) -> Rows:
    standing = ranks_at(period.last_moment).subquery("standing")
    tiers = select(Tier.rank).where(in_use(period.last_moment)).order_by(Tier.rank)
    third = tiers.offset(BELOW_VIP).limit(1).scalar_subquery()
    top = tiers.with_only_columns(func.max(Tier.rank)).order_by(None).scalar_subquery()
    lowest = func.coalesce(third, top, 0)
    is_vip = (func.coalesce(standing.c.rank, 0) >= lowest) & (lowest > 0)
    return (
        select(Member.id.label("member_id"), literal("").label("part"), flag(is_vip).label("hit"),
               literal(0).label("pending"))
        .outerjoin(standing, standing.c.member_id == Member.id)
        .where(is_member(period.last_moment))
    )  # fmt: skip


METRIC = Metric(
    key="vip_share",
    place=10,
    title=mark("VIP share"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s members are on an upper tier."),
    trust=mark("It falls when many new members join, though no VIP left: look at the count beside the share."),
    rows=rows,
    rests_on=("purchase",),
    exact=True,
)
