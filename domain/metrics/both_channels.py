"""Of the members who bought in the month, those who bought both online and in a store.

Beside it stand those who bought only online, and only in a store (definitions §10).
"""

from sqlalchemy import func, literal, select, union_all

from domain.metrics._channels import is_online
from domain.metrics._people import is_member
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.member import Member
from models.purchase import Purchase


def rows(period: Period) -> Rows:
    online = flag(is_online())
    buyers = (
        select(Purchase.member_id, func.max(online).label("online"), func.max(1 - online).label("store"))
        .join(Member, Member.id == Purchase.member_id)
        .where(
            is_member(period.last_moment),
            Purchase.net_amount > 0,
            Purchase.day.between(period.month.first, period.month.last),
            Purchase.recorded_at <= period.as_of,
        )
        .group_by(Purchase.member_id)
        .cte("buyers_by_channel")
    )
    both = buyers.c.online * buyers.c.store
    kinds = (("both", both), ("only_online", buyers.c.online - both), ("only_in_store", buyers.c.store - both))
    parts = [
        select(buyers.c.member_id, literal(part).label("part"), hit.label("hit"), literal(0).label("pending"))
        for part, hit in kinds
    ]
    return select(union_all(*parts).subquery("parts"))


METRIC = Metric(
    key="both_channels",
    place=21,
    title=mark("Buying in both worlds"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s buyers of the month bought both online and in a store."),
    trust=mark("Orders that no member is known for are in neither number: raise the recognition rate first."),
    rows=rows,
    rests_on=("purchase",),
    parts=("only_online", "only_in_store"),
    whole="both",
)
