"""Who of the first buyers will buy again, from their first order: a logistic regression, checked on months held back.

Fitted by penalised maximum likelihood (a ridge, so that a rare store or source cannot run away). The latest fifth of
the first buyers is held back: on them the probabilities are set right (Platt's two parameters) and how well likely
and unlikely are told apart is measured.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

from domain.scores.models._maximum import Fit, Floats

NAME = "first_buyer"
NEEDED_BUYERS = 300
NEEDED_REPEATERS = 100
HELD_BACK = 0.2
KINDS = ("category", "channel", "store", "weekday", "season", "source")
MOST_VALUES = 12  # of a kind; rarer ones count as others
LEAST_OF_VALUE = 20
RIDGE = 1.0
NO_BETTER = 0.5


@dataclass(frozen=True)
class First:
    """A first order. `kinds` in the order of KINDS; `amount` in whole units; `known_days`: days since registering."""

    amount: float
    known_days: float
    kinds: tuple[str, ...]


def fit(firsts: Sequence[First], came_back: Sequence[bool]) -> Fit:
    """`firsts` oldest first, all with their 90 days behind them."""
    facts: dict[str, Any] = {"buyers": len(firsts), "repeaters": int(sum(came_back))}
    if facts["buyers"] < NEEDED_BUYERS:
        return Fit(facts=facts, refused="few_buyers")
    if facts["repeaters"] < NEEDED_REPEATERS:
        return Fit(facts=facts, refused="few_repeaters")
    split = round(len(firsts) * (1 - HELD_BACK))
    columns = _columns(firsts[:split])
    x, y = _table(firsts, columns), np.asarray(came_back, dtype=float)
    weights = _climb(x[:split], y[:split], RIDGE)
    late, truth = x[split:] @ weights, y[split:]
    facts |= {"held_back": len(truth), "usual": float(truth.mean()), "auc": _told_apart(late, truth)}
    if facts["auc"] <= NO_BETTER:
        return Fit(facts=facts, refused="no_difference")
    right = _climb(np.column_stack([np.ones_like(late), late]), truth, 1e-3)
    params: dict[str, Any] = {"columns": columns, "weights": weights.tolist(), "right": right.tolist()}
    return Fit(params, facts=facts)


def probabilities(firsts: Sequence[First], params: dict[str, Any]) -> Floats:
    """Of coming back within 90 days, set right on the months held back."""
    if not firsts:
        return np.empty(0)
    late = _table(firsts, params["columns"]) @ np.asarray(params["weights"])
    base, slope = params["right"]
    found: Floats = expit(base + slope * late)
    return found


def _columns(firsts: Sequence[First]) -> list[list[str]]:
    """[kind, value] of what is common enough to have a weight of its own."""
    columns = []
    for place, kind in enumerate(KINDS):
        counted = Counter(first.kinds[place] for first in firsts)
        common = [value for value, count in counted.most_common(MOST_VALUES) if count >= LEAST_OF_VALUE]
        columns += [[kind, value] for value in sorted(common)]
    return columns


def _table(firsts: Sequence[First], columns: Sequence[Sequence[str]]) -> Floats:
    """One row per first order: 1, the logarithms of amount and days known, and a 0 or 1 per column."""
    places = [(KINDS.index(kind), value) for kind, value in columns]
    numbers = np.array([[1.0, np.log1p(max(0.0, each.amount)), np.log1p(max(0.0, each.known_days))] for each in firsts])
    numbers[:, 1] -= 6.0  # near 0 for usual amounts, so that the ridge weighs on all alike
    flags = [[each.kinds[place] == value for place, value in places] for each in firsts]
    return np.hstack([numbers, np.array(flags, dtype=float).reshape(len(firsts), len(places))])


def _climb(x: Floats, y: Floats, ridge: float) -> Floats:
    """The weights most likely to have made `y`; the first, which everybody has, is not held down."""
    held = np.full(x.shape[1], ridge)
    held[0] = 0.0

    def downhill(weights: Floats) -> tuple[float, Floats]:
        late = x @ weights
        loss = np.logaddexp(0, late).sum() - y @ late + 0.5 * float(held @ weights**2)
        return float(loss), x.T @ (expit(late) - y) + held * weights

    found: Floats = minimize(downhill, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    return found


def _told_apart(late: Floats, truth: Floats) -> float:
    """AUC: of pairs of one who came back and one who did not, the share in the right order; equals count half."""
    back = truth == 1
    first, second = int(back.sum()), int((~back).sum())
    if not first or not second:
        return NO_BETTER
    return float((rankdata(late)[back].sum() - first * (first + 1) / 2) / (first * second))
