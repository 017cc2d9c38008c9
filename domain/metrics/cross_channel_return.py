"""Of the members who bought online three months ago, those who bought in a store on a later day within 90 days;
and of those who bought in a store, those who then bought online.

The two directions stand apart and are added up for the total. Only members whose 90 days have passed count
(definitions §10).
"""

from sqlalchemy import CTE, Select, and_, func, literal, select, union_all

from domain.metrics._channels import is_online
from domain.metrics._cohort import RETURN_DAYS, purchase_days
from domain.metrics._people import is_member
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.arithmetic import days_later
from models.member import Member


def rows(period: Period) -> Rows:
    days = purchase_days(period).add_columns(flag(is_online()).label("online")).cte("channel_days")
    ways = [_way(days, period, part, start) for part, start in (("online_to_store", 1), ("store_to_online", 0))]
    return select(union_all(*ways).subquery("ways"))


def _way(days: CTE, period: Period, part: str, start: int) -> Select[int, str, int, int]:
    index = (
        select(days.c.member_id, func.min(days.c.day).label("day"))
        .join(Member, Member.id == days.c.member_id)
        .where(is_member(period.as_of), days.c.online == start)
        .where(days.c.day.between(period.base.first, period.base.last))
        .group_by(days.c.member_id)
        .cte(f"{part}_index")
    )
    later = and_(days.c.day > index.c.day, days.c.day <= days_later(index.c.day, RETURN_DAYS))
    crossed = and_(later, days.c.online == 1 - start)
    waiting = days_later(index.c.day, RETURN_DAYS) >= period.today
    return (
        select(
            index.c.member_id,
            literal(part).label("part"),
            func.max(flag(crossed)).label("hit"),
            func.max(flag(waiting)).label("pending"),
        )
        .join(days, days.c.member_id == index.c.member_id)
        .group_by(index.c.member_id)
    )


METRIC = Metric(
    key="cross_channel_return",
    place=22,
    title=mark("Return across channels"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s buyers of %(base)s then bought in the other channel within 90 days."),
    trust=mark("People known in only one channel seem never to cross: it rises when more orders are recognised."),
    rows=rows,
    rests_on=("purchase",),
    parts=("online_to_store", "store_to_online"),
)
