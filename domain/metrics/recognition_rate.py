"""Of the month's qualified orders, those of somebody we know; by amount beside, in a figure of its own.

An order counts as known once its buyer was found, also afterwards: the figure of a month rises when a member is
recognised later (definitions §10).
"""

from sqlalchemy import ColumnElement, literal, select

from domain.metrics._people import of_the_public
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.purchase import Purchase


def rows(period: Period) -> Rows:
    return select(
        Purchase.member_id.label("member_id"),
        literal("").label("part"),
        flag(Purchase.member_id.is_not(None)).label("hit"),
        literal(0).label("pending"),
        Purchase.net_amount.label("weight"),
    ).where(*qualified(period))


def qualified(period: Period) -> tuple[ColumnElement[bool], ...]:
    """Orders of the month that were not paid back whole."""
    return (
        Purchase.net_amount > 0,
        of_the_public(),
        Purchase.day.between(period.month.first, period.month.last),
        Purchase.recorded_at <= period.as_of,
    )


METRIC = Metric(
    key="recognition_rate",
    place=50,
    title=mark("Recognition rate"),
    definition=first_paragraph(__doc__),
    sentence=mark("Of %(of)s orders we know who made %(who)s."),
    trust=mark("Only as complete as what is sent to us: sales that no till reports are missing on both sides."),
    rows=rows,
    rests_on=("purchase",),
    exact=True,
    unit="orders",
)
