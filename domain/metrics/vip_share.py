"""Of all members at the month's end, those on one of the upper tiers: the third and above, such as gold and
black; with fewer than three tiers, the highest.

Everyone is counted, so there is no interval (definitions §10).
"""

from sqlalchemy import Integer, case, cast, func, literal, select

from domain.metrics._people import is_member
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.metrics._tiers import ranks_at
from domain.wording import mark
from models.member import Member
from models.programme import Tier

FIRST_VIP_RANK = 2


def rows(period: Period) -> Rows:
    standing = ranks_at(period.last_moment).subquery("standing")
    top = select(func.coalesce(func.max(Tier.rank), 0)).scalar_subquery()
    lowest = case((top < FIRST_VIP_RANK, top), else_=cast(literal(FIRST_VIP_RANK), Integer))
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
