"""What the fitted models expect of every buyer at once, as arrays: alive, buying, purchases, value, and the bands."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.scores import churn, expected_value
from domain.scores.models._buying import Buying, Histories
from domain.scores.models._maximum import Floats
from domain.scores.models.gamma_gamma import Value

LONGEST = 10_000  # days; more than anybody's history
EVERY_DAYS = 7  # a probability moves little in a week of silence; writing everyone's anew every night costs much


@dataclass(frozen=True)
class Buyers:
    """One row per buyer. `mean`: the mean amount of purchase days after the first, 0 where there is none."""

    ids: NDArray[np.int64]
    x: Floats
    tx: Floats
    t: Floats
    mean: Floats

    def histories(self) -> Histories:
        """Grouped: how many people share each history."""
        key = (self.x * LONGEST + self.tx) * LONGEST + self.t
        _, first, count = np.unique(key, return_index=True, return_counts=True)
        return Histories(self.x[first], self.tx[first], self.t[first], count.astype(np.float64))

    def lag(self, day: int, since_fit: int) -> Floats:
        """How many days before `day` (as a number) each was last judged: a seventh of the people a day, in turn.

        Nobody's silence alone would otherwise leave a row as it is. It hangs on nothing but the day, the model and
        the person's own purchases, so the same comes out whichever nights were run: everyone is judged on the day
        of the fit, and whoever buys on the day they do.
        """
        turn = (self.ids + day) % EVERY_DAYS
        return np.minimum(np.minimum(turn, max(0, since_fit)), self.t - self.tx).astype(np.float64)


@dataclass(frozen=True)
class Expected:
    """Rounded as it is kept, one row per buyer; amounts in the unit of `mean`. None where there is no model for it."""

    p_alive: Floats
    p_buys: Floats
    purchases: Floats
    churn: NDArray[Any]
    order: Floats | None
    value: Floats | None
    clv: NDArray[Any] | None


def expect(
    of: Buyers, buying: Buying, value: Value | None, *, margin: float, decimals: int, lag: Floats | float = 0.0
) -> Expected:
    """`decimals` of the amounts; `margin` is the part of revenue that counts, 1 for all; see `Buyers.lag`.

    Whether somebody is too new to tell is always of the day itself.
    """
    known = of.t
    of = replace(of, t=known - lag)
    alive = buying.p_alive(of.x, of.tx, of.t)
    buys = buying.p_buys(of.x, of.tx, of.t, churn.DAYS)
    purchases, discounted = (alive * each for each in _coming_purchases(of, buying))
    order = worth = bands = None
    if value is not None:
        order = np.round(value.of(of.x, of.mean), decimals)
        worth = np.round(discounted * value.of(of.x, of.mean) * margin, decimals)
        bands = value_bands(worth)
    kept = np.round(buys, 4)
    return Expected(np.round(alive, 4), kept, np.round(purchases, 4), churn_bands(kept, known), order, worth, bands)


def _coming_purchases(of: Buyers, buying: Buying) -> tuple[Floats, Floats]:
    """Of those not gone: expected purchases of 12 months, and the same with later months counting less."""
    key, place = np.unique(of.x * LONGEST + of.t, return_inverse=True)
    x, t = key // LONGEST, key % LONGEST
    total, discounted = np.zeros_like(t), np.zeros_like(t)
    for each in np.unique(x):
        same = x == each
        total[same], discounted[same] = _of_months(buying, float(each), t[same])
    return total[place], discounted[place]


def _of_months(buying: Buying, x: float, t: Floats) -> tuple[Floats, Floats]:
    before, discounted = np.zeros_like(t), np.zeros_like(t)
    for month in range(1, expected_value.MONTHS + 1):
        until = buying.purchases_if_alive(x, t, month * expected_value.MONTH_DAYS)
        discounted += (until - before) / expected_value.MONTHLY**month
        before = until
    return before, discounted


def churn_bands(p_buys: Floats, t: Floats) -> NDArray[Any]:
    """By the probability as it is shown, so that nobody stands at 50.0 % and in the band below."""
    tests = [t < churn.NEW_DAYS, p_buys >= churn.LOW_FROM, p_buys < churn.HIGH_BELOW]
    return np.select(tests, ["too_new", "low", "high"], default="middle")


def value_bands(value: Floats) -> NDArray[Any]:
    """By rank: 1 + how many are above; equals share the rank of the best of them."""
    above = len(value) - np.searchsorted(np.sort(value), value, side="right")
    tests = [(above + 1) * 100 <= percent * len(value) for _, percent in expected_value.UP_TO]
    return np.select(tests, [name for name, _ in expected_value.UP_TO], default=expected_value.REST)
