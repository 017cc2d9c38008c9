"""The day by which to do something: when somebody who stays silent falls into a riskier band of `churn`.

The model's own formula for one person, without arrays, so that a page can ask it (definitions §9).
"""

from collections.abc import Mapping
from datetime import date, timedelta
from math import exp, expm1, log

from domain.scores.churn import DAYS, HIGH_BELOW, LOW_FROM

LOOKED_AHEAD = 730


def p_buys(params: Mapping[str, float], x: int, tx: int, t: int) -> float:
    """MBG/NBD's probability of a purchase within 90 days; `params` r, alpha, a, b with days as the unit."""
    r, alpha, a, b = (params[name] for name in ("r", "alpha", "a", "b"))
    odds = log(a) - log(b + x) + (r + x) * (log(alpha + t) - log(alpha + tx))
    alive = 0.0 if odds > 700 else 1 / (1 + exp(odds))
    return -alive * expm1((r + x) * (log(alpha + t) - log(alpha + t + DAYS)))


def act_by(params: Mapping[str, float], *, first: date, last: date, repeats: int, day: date) -> date | None:
    """The first day from `day` on at which the band is worse; None for who is in the worst, or stays for two years."""
    tx, t = (last - first).days, (day - first).days
    now = p_buys(params, repeats, tx, t)
    if now < HIGH_BELOW:
        return None
    edge = LOW_FROM if now >= LOW_FROM else HIGH_BELOW
    ahead = (n for n in range(1, LOOKED_AHEAD) if p_buys(params, repeats, tx, t + n) < edge)
    falls = next(ahead, None)
    return None if falls is None else day + timedelta(days=falls)
