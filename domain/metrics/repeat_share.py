"""Of everyone who bought in the 365 days up to the month's end, those who bought on at least two different days.

A level, not a cohort: it says how the shop stands, while repurchase says what became of one month's buyers
(definitions §4.4).
"""

from datetime import timedelta

from sqlalchemy import case, distinct, func, literal, select

from domain.metrics._people import counts
from domain.metrics._shape import Metric, Period, Rows, first_paragraph
from domain.wording import mark
from models.member import Member
from models.purchase import Purchase

YEAR_DAYS = 365


def rows(period: Period) -> Rows:
    last = min(period.month.last, period.today)
    return (
        select(
            Purchase.member_id,
            literal("").label("part"),
            case((func.count(distinct(Purchase.day)) >= 2, 1), else_=0).label("hit"),
            literal(0).label("pending"),
        )
        .join(Member, Member.id == Purchase.member_id)
        .where(
            counts(),
            Purchase.net_amount > 0,
            Purchase.day.between(last - timedelta(days=YEAR_DAYS - 1), last),
            Purchase.recorded_at <= period.as_of,
        )
        .group_by(Purchase.member_id)
    )


METRIC = Metric(
    key="repeat_share",
    place=13,
    title=mark("Bought more than once"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s buyers of the last 365 days bought on two days or more."),
    trust=mark("With less than a year of purchases on record it is too low: earlier ones are not known."),
    rows=rows,
    rests_on=("purchase",),
)
