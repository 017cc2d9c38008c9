"""What BG/NBD and MBG/NBD share: people buy at random, each at their own rate, and may be gone after a purchase.

Rates differ between people by a gamma distribution (r, alpha), the chance to be gone after a purchase by a beta
distribution (a, b). In MBG/NBD that chance is there after the first purchase too (Batislam, Denizel & Filiztekin
2007), in BG/NBD only from the second on (Fader, Hardie & Lee 2005): there nobody who bought once can be gone.
Days in, days out; another unit only scales alpha.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betainc, betaincinv, betaln, expit, gammaln, psi

from domain.scores.models._maximum import TRIED_ON, Fit, Floats, Likelihood, highest

NEEDED_BUYERS = 300
NEEDED_REPEATERS = 100
NEEDED_DAYS = 90  # 9 of 10 buyers may be known for less, but not fewer
LEAST_DROPOUT = 0.005
NODES = 160
STARTS = ((1, 1, 1, 1), (0.3, 0.5, 0.5, 2), (0.5, 0.1, 2, 8), (3, 3, 0.3, 1), (0.1, 0.1, 0.2, 0.2))


@dataclass(frozen=True)
class Histories:
    """Groups of people with the same history; arrays of one length.

    `x`: purchase days after the first; `tx`: days from the first to the last; `t`: days from the first to the
    day of judging; `count`: how many people.
    """

    x: Floats
    tx: Floats
    t: Floats
    count: Floats

    @property
    def people(self) -> float:
        return float(self.count.sum())

    def some(self) -> "Histories":
        """Not many more than TRIED_ON rows, taken evenly."""
        every = max(1, len(self.x) // TRIED_ON)
        return Histories(self.x[::every], self.tx[::every], self.t[::every], self.count[::every])

    def in_units(self, unit: float) -> "Histories":
        return Histories(self.x, self.tx / unit, self.t / unit, self.count)


@dataclass(frozen=True)
class Buying:
    """One of the two models, with its parameters. `k`: 1 when the first purchase too can be the last, else 0."""

    k: int
    r: float
    alpha: float
    a: float
    b: float

    def p_alive(self, x: Floats, tx: Floats, t: Floats) -> Floats:
        """Probability that someone is not gone for good."""
        alive: Floats = expit(-_log_odds_gone(self.k, (self.r, self.alpha, self.a, self.b), x, tx, t))
        return alive

    def p_buys(self, x: Floats, tx: Floats, t: Floats, days: float) -> Floats:
        """Probability of a purchase within the next `days`."""
        waits = -np.expm1((self.r + x) * (np.log(self.alpha + t) - np.log(self.alpha + t + days)))
        buys: Floats = self.p_alive(x, tx, t) * waits
        return buys

    def purchases_if_alive(self, x: float, t: Floats, days: float) -> Floats:
        """Expected purchase days within the next `days` of people, all with the same x, who are not gone.

        The mean of (1 - (1 + p·days/(alpha+t))^-(r+x)) / p over what is then known of p, their chance to be gone
        after a purchase. That is the published formula with 2F1, whose usual evaluations fail for long
        histories, for a near 1 and for many others; every term here is positive.
        """
        p, weight = _chances(self.a, self.b + x + self.k, self.r + x)
        zoomed = days / (self.alpha + t)
        gone_by_then = -np.expm1(-(self.r + x) * np.log1p(np.outer(zoomed, p))) / p
        mean: Floats = gone_by_then @ weight
        return mean


@lru_cache(maxsize=4_000)
def _chances(a: float, b: float, rate: float) -> tuple[Floats, Floats]:
    """Places and weights for a mean over a beta distribution of functions that are level near 0.

    On the scale of log(p / (1-p)), where densities with a pole at 0 or 1 become gentle; what lies beyond the
    outermost places counts with them.
    """
    low, high = betaincinv(a, b, (1e-17, 1 - 1e-15))
    # Below the first floor the function is level: its bend lies where p·rate·days/alpha is about 1.
    left = max(_log_odds(low), np.log(1e-12) - np.log1p(rate))
    right = max(min(_log_odds(high), 36.0), left + 1e-9)
    nodes, widths = _legendre()
    s = (right - left) / 2 * nodes + (right + left) / 2
    p = 1 / (1 + np.exp(-s))
    density = np.exp(a * -np.log1p(np.exp(-s)) + b * -np.log1p(np.exp(s)) - betaln(a, b))
    inner = density * widths * (right - left) / 2
    ends = np.array([1 / (1 + np.exp(-left)), 1 / (1 + np.exp(-right))])
    outer = np.array([betainc(a, b, ends[0]), betainc(b, a, 1 / (1 + np.exp(right)))])
    weight = np.concatenate([inner, outer])
    return np.concatenate([p, ends]), weight / weight.sum()


@lru_cache
def _legendre() -> tuple[Floats, Floats]:
    nodes, widths = np.polynomial.legendre.leggauss(NODES)
    return nodes, widths


def _log_odds(p: float) -> float:
    return float(np.log(p) - np.log1p(-p)) if 0 < p < 1 else (np.inf if p >= 1 else -np.inf)


def _log_odds_gone(k: int, params: tuple[float, ...], x: Floats, tx: Floats, t: Floats) -> Floats:
    r, alpha, a, b = params
    before = np.maximum(b + x + k - 1, 1e-300)  # BG/NBD: nobody who bought once can be gone
    odds: Floats = np.log(a) - np.log(before) + (r + x) * (np.log(alpha + t) - np.log(alpha + tx))
    return np.where((x > 0) | (k == 1), odds, -np.inf)


def likelihood(k: int, of: Histories) -> Likelihood:
    """The log-likelihood of histories and its gradient, by (r, alpha, a, b)."""
    x, tx, t, count = of.x, of.tx, of.t, of.count

    def at(params: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = params
        n, late, early = r + x, np.log(alpha + t), np.log(alpha + tx)
        odds = _log_odds_gone(k, (r, alpha, a, b), x, tx, t)
        gone = expit(odds)
        bought = gammaln(n) - gammaln(r) + r * np.log(alpha)
        stayed = betaln(a, b + x + k) - betaln(a, b)
        each = bought + stayed - n * late + np.logaddexp(0, odds)
        together = psi(a + b) - psi(a + b + x + k)
        lost = gone / np.maximum(b + x + k - 1, 1e-300)
        slopes = (
            psi(n) - psi(r) + np.log(alpha) - (1 - gone) * late - gone * early,
            r / alpha - n * ((1 - gone) / (alpha + t) + gone / (alpha + tx)),
            together + gone / a,
            together + psi(b + x + k) - psi(b) - lost,
        )
        return float(count @ each), np.array([count @ slope for slope in slopes])

    return at


def fit(k: int, of: Histories) -> Fit:
    """Fits to histories in days, or refuses to (definitions §9)."""
    facts = _facts(of)
    refused = _too_little(facts)
    if refused:
        return Fit(facts=facts, refused=refused)
    unit = float(of.count @ of.t) / of.people
    scaled = of.in_units(unit)
    found = highest(likelihood(k, scaled), STARTS, people=of.people, sketch=likelihood(k, scaled.some()))
    r, alpha, a, b = (float(each) for each in found.at)
    params = {"r": r, "alpha": alpha * unit, "a": a, "b": b}
    # A density per day, not per unit of ours.
    value = found.value - float(of.count @ of.x) * float(np.log(unit))
    return Fit(params, value, facts, _untrusted(found.is_at_bound, found.is_flat, a, b))


def _facts(of: Histories) -> dict[str, float]:
    if not len(of.x):
        return {"buyers": 0, "repeaters": 0, "t90": 0.0}
    order = np.argsort(of.t)
    return {
        "buyers": int(of.people),
        "repeaters": int(of.count[of.x > 0].sum()),
        "t90": _percentile(of.t[order], of.count[order], 0.9),
    }


def _percentile(values: Floats, count: Floats, share: float) -> float:
    """By linear interpolation, as if each value stood there `count` times."""
    ends = np.cumsum(count)
    place = (ends[-1] - 1) * share
    low, high = (
        values[np.searchsorted(ends, np.floor(place) + n, side="right").clip(max=len(values) - 1)] for n in (0, 1)
    )
    return float(low + (place % 1) * (high - low))


def _too_little(facts: dict[str, float]) -> str | None:
    if facts["buyers"] < NEEDED_BUYERS:
        return "few_buyers"
    if facts["repeaters"] < NEEDED_REPEATERS:
        return "few_repeaters"
    return "too_young" if facts["t90"] < NEEDED_DAYS else None


def _untrusted(is_at_bound: bool, is_flat: bool, a: float, b: float) -> str | None:
    if is_at_bound:
        return "bound"
    if not is_flat:
        return "no_maximum"
    return "no_dropout" if a / (a + b) < LEAST_DROPOUT else None
