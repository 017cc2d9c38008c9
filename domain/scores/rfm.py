"""How lately, how often and how much someone bought in the last 365 days, each from 1 to 5, and the group
the three make.

The thresholds are fixed, so that a score means the same next month. Who bought nothing in those days
has 0-0-0 and no group. Of the groups the first that fits is taken, so they never overlap and leave
nobody out (definitions §5).
"""

from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, case, or_

from domain.money import whole
from domain.wording import mark

# At least so many days since the last purchase is too long ago for the score: 5 down to 1.
RECENT_DAYS = ((5, 30), (4, 60), (3, 90), (2, 180), (1, 364))
FREQUENT_DAYS = ((5, 8), (4, 5), (3, 3), (2, 2), (1, 1))
# Whole currency units.
SPENT = ((5, 30_000), (4, 15_000), (3, 5_000), (2, 1_000))

GROUPS = {
    "vip": mark("VIP"),
    "loyal": mark("Loyal"),
    "new": mark("New buyer"),
    "promising": mark("High potential"),
    "attention": mark("Needs attention"),
    "at_risk": mark("At risk"),
    "asleep": mark("Asleep"),
    "none": mark("Not bought in a year"),
}


def recency(last_day: ColumnElement[date], days_365: ColumnElement[int], *, day: date) -> ColumnElement[int]:
    steps = [(last_day >= day - timedelta(days=days), score) for score, days in RECENT_DAYS]
    return case((days_365 == 0, 0), *steps, else_=0)


def frequency(days_365: ColumnElement[int]) -> ColumnElement[int]:
    return case(*((days_365 >= days, score) for score, days in FREQUENT_DAYS), else_=0)


def monetary(amount_365: ColumnElement[int], days_365: ColumnElement[int], *, currency: str) -> ColumnElement[int]:
    steps = [(amount_365 >= whole(amount, currency), score) for score, amount in SPENT]
    return case((days_365 == 0, 0), *steps, else_=1)


def group(r: ColumnElement[int], f: ColumnElement[int], m: ColumnElement[int]) -> ColumnElement[str]:
    """The group of three scores, first match first."""
    return case(
        (r == 0, "none"),
        (and_(r >= 4, f >= 4, m >= 4), "vip"),
        (and_(r >= 3, f >= 4), "loyal"),
        (and_(r >= 4, f == 1), "new"),
        (r >= 4, "promising"),
        (r == 3, "attention"),
        (or_(f >= 3, m >= 4), "at_risk"),
        else_="asleep",
    )
