"""How much someone's purchase days are worth, from those after the first (Gamma-Gamma, Fader & Hardie 2013).

People's own averages are pulled towards everyone's the fewer purchases they rest on. It holds only where how
much is spent has nothing to do with how often; that is checked, and the model refused where it is not so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, psi

from domain.scores.models._maximum import TRIED_ON, Fit, Floats, Likelihood, highest

NAME = "gamma_gamma"
NEEDED = 100
MOST_CORRELATED = 0.3
STARTS = ((1, 2, 1), (6, 4, 0.5), (2, 10, 5), (0.5, 1.5, 2), (20, 20, 1))


@dataclass(frozen=True)
class Value:
    """The model with its parameters; `v` in the unit amounts are given in."""

    p: float
    q: float
    v: float

    @property
    def of_anyone(self) -> float:
        """The mean purchase day of the population: what a one-time buyer is expected to spend."""
        return self.p * self.v / (self.q - 1)

    def of(self, x: Floats, mean: Floats) -> Floats:
        """The expected purchase day of people with `x` purchase days after the first of `mean` amount."""
        known: Floats = self.p * (self.v + mean * x) / (self.p * x + self.q - 1)
        return np.where(x > 0, known, self.of_anyone)


def with_params(params: Mapping[str, float]) -> Value:
    """The model with parameters found before: p, q, v."""
    return Value(params["p"], params["q"], params["v"])


def likelihood(x: Floats, mean: Floats) -> Likelihood:
    """The log-likelihood of average amounts and its gradient, by (p, q, v)."""
    log_mean, log_x = np.log(mean), np.log(x)

    def at(params: Floats) -> tuple[float, Floats]:
        p, q, v = params
        total = np.log(v + mean * x)
        shape = p * x + q
        each = (
            gammaln(shape) - gammaln(p * x) - gammaln(q) + q * np.log(v)
            + (p * x - 1) * log_mean + p * x * log_x - shape * total
        )  # fmt: skip
        slopes = (
            x * (psi(shape) - psi(p * x) + log_mean + log_x - total),
            psi(shape) - psi(q) + np.log(v) - total,
            q / v - shape / (v + mean * x),
        )
        return float(each.sum()), np.array([slope.sum() for slope in slopes])

    return at


def fit(x: Floats, mean: Floats) -> Fit:
    """Fits to people's purchase days after the first and their mean amount, or refuses to (definitions §9)."""
    counted = (x > 0) & (mean > 0)
    x, mean = x[counted], mean[counted]
    facts = {"people": len(x), "correlation": _correlation(x, mean)}
    if len(x) < NEEDED:
        return Fit(facts=facts, refused="few_values")
    if abs(facts["correlation"]) > MOST_CORRELATED:
        return Fit(facts=facts, refused="correlated")
    unit = float(np.mean(mean))
    scaled, every = mean / unit, max(1, len(x) // TRIED_ON)
    sketch = likelihood(x[::every], scaled[::every])
    found = highest(likelihood(x, scaled), STARTS, people=len(x), sketch=sketch)
    p, q, v = (float(each) for each in found.at)
    value = found.value - len(x) * float(np.log(unit))
    return Fit({"p": p, "q": q, "v": v * unit}, value, facts, _untrusted(found.is_at_bound, found.is_flat, q))


def _untrusted(is_at_bound: bool, is_flat: bool, q: float) -> str | None:
    if is_at_bound:
        return "bound"
    if not is_flat:
        return "no_maximum"
    return "no_mean" if q <= 1 else None


def _correlation(x: Floats, mean: Floats) -> float:
    if len(x) < 2 or not x.std() or not mean.std():
        return 0.0
    return float(np.corrcoef(x, mean)[0, 1])
