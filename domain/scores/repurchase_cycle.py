"""After how many days someone usually buys again, and the day that falls on next.

The cycle is the person's own median gap between purchase days, pulled towards everyone's median the
fewer gaps they have. Gaps exist only for those who came back, so it says nothing of those who left
(definitions §9).
"""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from math import exp, floor, log
from statistics import median

GAP_DAYS = 730
NEEDED_GAPS = 30
PULL = 3


def gaps_of(days: Iterable[date]) -> list[int]:
    """Days between neighbouring purchase days, in order."""
    ordered = sorted(days)
    return [(later - earlier).days for earlier, later in pairwise(ordered)]


def usual_gap(gaps: list[int]) -> float | None:
    """The median of everyone's gaps, once there are enough of them."""
    return float(median(gaps)) if len(gaps) >= NEEDED_GAPS else None


def cycle_days(gaps: list[int], everyones: float) -> int:
    """A member's cycle, rounded half up."""
    weight = len(gaps) / (len(gaps) + PULL)
    own = log(median(gaps)) if gaps else 0.0
    return floor(exp(weight * own + (1 - weight) * log(everyones)) + 0.5)


def due_on(last_day: date, cycle: int) -> date:
    return last_day + timedelta(days=cycle)
