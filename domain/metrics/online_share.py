"""Of the net amount of the month's orders, what was bought online.

An order that names a store, or whose channel is a counter, was bought in a store; every other one online. It is a
share of money, so it opens into the people who bought, not into as many as the money (definitions §10).
"""

from sqlalchemy import literal, select

from domain.metrics._channels import is_online
from domain.metrics._people import of_the_public
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.purchase import Purchase


def rows(period: Period) -> Rows:
    return select(
        Purchase.member_id.label("member_id"),
        literal("").label("part"),
        flag(is_online()).label("hit"),
        literal(0).label("pending"),
        Purchase.net_amount.label("weight"),
    ).where(
        Purchase.net_amount > 0,
        of_the_public(),
        Purchase.day.between(period.month.first, period.month.last),
        Purchase.recorded_at <= period.as_of,
    )


METRIC = Metric(
    key="online_share",
    place=20,
    title=mark("Online share of sales"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s was bought online."),
    trust=mark("Only as complete as what is sent to us: a store whose till is not connected counts for nothing."),
    rows=rows,
    rests_on=("purchase",),
    exact=True,
    unit="money",
)
