"""Of the members who answered a recommendation survey in the month, those who would recommend us: 9 or 10 of ten.

Of several answers of a member to one survey the latest counts. NPS is their share minus that of the
detractors (0 to 6), times 100: from -100 to 100, shown from 30 answers on (definitions §10).
"""

from dataclasses import dataclass
from math import sqrt

from sqlalchemy import literal, select

from domain.metrics._intervals import GREY, Z95
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.metrics._surveys import latest_answers
from domain.wording import mark

PROMOTERS, DETRACTORS = 9, 6


@dataclass(frozen=True)
class Nps:
    """The score with its 95 % interval, all three from -100 to 100, and how many answers it rests on."""

    value: float
    low: float
    high: float
    n: int


def nps(promoters: int, detractors: int, n: int) -> Nps | None:
    """Standard error sqrt((pp + pd - (pp - pd)²) / n); None below 30 answers."""
    if n < GREY:
        return None
    up, down = promoters / n, detractors / n
    value, half = up - down, Z95 * sqrt((up + down - (up - down) ** 2) / n)
    return Nps(100 * value, 100 * max(-1.0, value - half), 100 * min(1.0, value + half), n)


def rows(period: Period) -> Rows:
    given = latest_answers(["nps"], since=period.start, until=period.last_moment).subquery("given")
    return select(
        given.c.member_id,
        given.c.part,
        flag(given.c.score >= PROMOTERS).label("hit"),
        literal(0).label("pending"),
        flag(given.c.score <= DETRACTORS).label("detractors"),
    )


METRIC = Metric(
    key="nps",
    place=40,
    title=mark("Would recommend us"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s members who answered would recommend us: 9 or 10 of ten."),
    trust=mark("Whoever answers is not everyone: the very pleased and the very angry answer more than others."),
    rows=rows,
    rests_on=("answered",),
    asides=("detractors",),
)
