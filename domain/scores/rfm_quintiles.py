"""RFM in fifths of the buyers themselves: the best fifth by each of recency, frequency and amount scores 5.

The cut points are q20, q40, q60 and q80 by linear interpolation (R's type 7) among those who bought in the last
365 days, from 100 of them up. A value on a cut takes the lower bin and equal values score the same, so bins may
be unequal and a score may be empty. A score says where someone stands among the others: it can fall although
they did nothing else, because the others bought more (definitions §5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, select

from domain.scores import rfm
from domain.scores._figures import Rows
from models.arithmetic import days_between
from models.score import MemberScore

NEEDED_BUYERS = 100
# Cut points are kept as fifths, so that they are whole numbers and a value on a cut is on it exactly.
FIFTHS = 5


@dataclass(frozen=True)
class Cuts:
    """The four cut points of each figure, times five; and how many buyers they rest on."""

    recency: tuple[int, ...]
    frequency: tuple[int, ...]
    monetary: tuple[int, ...]
    buyers: int


def places(count: int) -> list[tuple[int, int]]:
    """Of each cut: the 0-based place it follows in the order of `count` values, and how many fifths beyond."""
    return [divmod((count - 1) * cut, FIFTHS) for cut in range(1, FIFTHS)]


def cut_points(values: Sequence[int]) -> tuple[int, ...]:
    """Of values in order, times five."""
    return _between(len(values), dict(enumerate(values)))


def _between(count: int, at: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(FIFTHS * at[low] + rest * (at[min(low + 1, count - 1)] - at[low]) for low, rest in places(count))


def figures(scored: Any, day: date) -> dict[str, ColumnElement[int]]:
    """What is cut, of columns that scores are kept in: days since the last purchase, purchase days, net amount."""
    return {
        "recency": days_between(scored.last_day, literal(day)),
        "frequency": scored.days_365,
        "monetary": scored.amount_365,
    }


def ordered(scored: Any, value: ColumnElement[int], buyers: int) -> Rows:
    """(place, value) of the values on either side of each cut, among buyers."""
    wanted = sorted({each for low, _ in places(buyers) for each in (low, min(low + 1, buyers - 1))})
    place = (func.row_number().over(order_by=value) - 1).label("place")
    rows = select(place, value.label("value")).where(scored.days_365 > 0).subquery("in_order")
    return select(rows.c.place, rows.c.value).where(rows.c.place.in_(wanted))


def cuts_of(buyers: int, placed: Mapping[str, Mapping[int, int]]) -> Cuts:
    """From the values `ordered` found, by figure."""
    points = {name: _between(buyers, at) for name, at in placed.items()}
    return Cuts(points["recency"], points["frequency"], points["monetary"], buyers)


def bin_of(value: Any, cuts: Sequence[int]) -> ColumnElement[int]:
    """1 + how many cuts lie strictly below the value."""
    steps = [(value * FIFTHS > cuts[n - 1], n + 1) for n in range(len(cuts), 0, -1)]
    return case(*steps, else_=1)


def scores(scored: Any, day: date, cuts: Cuts) -> dict[str, ColumnElement[Any]]:
    """The columns `quintile_r`, `_f`, `_m` and `_group` of rows that have the figures."""
    of, nobody = figures(scored, day), scored.days_365 == 0
    r = case((nobody, 0), else_=FIFTHS + 1 - bin_of(of["recency"], cuts.recency))
    f = case((nobody, 0), else_=bin_of(of["frequency"], cuts.frequency))
    m = case((nobody, 0), else_=bin_of(of["monetary"], cuts.monetary))
    return {"quintile_r": r, "quintile_f": f, "quintile_m": m, "quintile_group": rfm.group(r, f, m)}


def group_by(rfm_by: str) -> ColumnElement[Any]:
    """The group the brand goes by; by the fixed thresholds too while there are too few buyers for quintiles."""
    group = func.coalesce(MemberScore.quintile_group, MemberScore.rfm_group)
    return group if rfm_by == "quintiles" else MemberScore.rfm_group.expression
