"""After how many days someone usually buys again, and the day that falls on next.

The cycle is the person's own median gap between purchase days, pulled towards everyone's median the
fewer gaps they have. Gaps exist only for those who came back, so it says nothing of those who left
(definitions §9).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Float, Integer, String, case, cast, func, literal, null, select

from domain.scores._figures import Among, Rows, window_start
from models.arithmetic import days_between, days_later, median
from models.purchase import Purchase

GAP_DAYS = 730
NEEDED_GAPS = 30
PULL = 3


def gap_figures(day: date, among: Among) -> Rows:
    """Per buyer of the last 730 days: how many gaps, their median, and each in a text such as `30 20 40`."""
    days = (
        select(Purchase.member_id, Purchase.day)
        .where(Purchase.member_id.is_not(None), Purchase.net_amount > 0, among(Purchase.member_id))
        .where(Purchase.day.between(window_start(day, GAP_DAYS), day))
        .distinct()
        .subquery("days")
    )
    before = func.lag(days.c.day).over(partition_by=days.c.member_id, order_by=days.c.day)
    gaps = select(days.c.member_id, days_between(before, days.c.day).label("gap")).subquery("gaps")
    return select(
        gaps.c.member_id,
        func.count(gaps.c.gap).label("gap_count"),
        median(gaps.c.gap).label("gap_median"),
        func.aggregate_strings(cast(gaps.c.gap, String), " ").label("gaps"),
    ).group_by(gaps.c.member_id)


def usual_gap(tally: Mapping[int, int]) -> float | None:
    """The median of everyone's gaps, once there are enough of them. `tally`: gap → how often."""
    count = sum(tally.values())
    return (_at(tally, (count - 1) // 2) + _at(tally, count // 2)) / 2 if count >= NEEDED_GAPS else None


def _at(tally: Mapping[int, int], place: int) -> int:
    for gap in sorted(tally):
        place -= tally[gap]
        if place < 0:
            return gap
    raise IndexError(place)


def cycle_days(count: Any, own: Any, everyones: float | None) -> ColumnElement[Any]:
    """A cycle from how many gaps someone has and their median, rounded half up; NULL for who bought nothing lately."""
    if everyones is None:
        return cast(null(), Integer)
    weight = cast(count, Float) / (count + PULL)
    pulled = weight * func.coalesce(func.ln(own), 0.0) + (1 - weight) * func.ln(literal(everyones, Float))
    return case((count.is_not(None), cast(func.floor(func.exp(pulled) + 0.5), Integer)))


def due_on(last_day: Any, cycle: Any) -> ColumnElement[date]:
    return days_later(last_day, cycle)
