"""Finding the parameters under which what happened was most likely, and noticing when that cannot be trusted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats: TypeAlias = NDArray[np.float64]
# Log-likelihood and its gradient, of positive parameters.
Likelihood: TypeAlias = Callable[[Floats], tuple[float, Floats]]

# Positive parameters are sought as logarithms, of data scaled to about 1: none has business beyond these.
LOWEST, HIGHEST = np.log(1e-4), np.log(1e4)
AT_BOUND = 1e-3
# The gradient by the logarithm of each parameter, per person: 0 but for rounding.
FLAT = 1e-6
NEWTON_STEPS = 8
TRIED_ON = 20_000  # rows; every start is tried on so many, and only the best is followed on all


@dataclass(frozen=True)
class Fit:
    """What was found. `refused` says why it is not to be used (a key of domain/scores/refusals.py)."""

    params: dict[str, float] = field(default_factory=dict)
    log_likelihood: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    refused: str | None = None


@dataclass(frozen=True)
class Peak:
    """Where the likelihood is highest: parameters, its value, and whether that is an inner point with no slope."""

    at: Floats
    value: float
    is_flat: bool
    is_at_bound: bool


def highest(likelihood: Likelihood, starts: Sequence[Sequence[float]], *, people: float, sketch: Likelihood) -> Peak:
    """The highest point from several starts. `sketch` is the likelihood of some of the rows, to choose by."""
    tried = [_climb(sketch, np.log(np.asarray(start))) for start in starts]
    best = max((each for each in tried if np.isfinite(each[1])), key=lambda each: each[1], default=None)
    if best is None:
        return Peak(np.asarray(starts[0], dtype=float), float("nan"), is_flat=False, is_at_bound=False)
    logs = _polished(likelihood, _climb(likelihood, best[0])[0])
    value, slope = _in_logs(likelihood, logs)
    return Peak(
        np.exp(logs),
        value,
        is_flat=bool(np.isfinite(value) and np.max(np.abs(slope)) / people < FLAT),
        is_at_bound=bool(np.any(logs < LOWEST + AT_BOUND) or np.any(logs > HIGHEST - AT_BOUND)),
    )


def _in_logs(likelihood: Likelihood, logs: Floats) -> tuple[float, Floats]:
    params = np.exp(logs)
    with np.errstate(all="ignore"):
        value, slope = likelihood(params)
    return value, slope * params


def _climb(likelihood: Likelihood, logs: Floats) -> tuple[Floats, float]:
    scale = max(1.0, abs(_in_logs(likelihood, logs)[0]))

    def downhill(at: Floats) -> tuple[float, Floats]:
        value, slope = _in_logs(likelihood, at)
        return (-value / scale, -slope / scale) if np.isfinite(value) else (1e10, np.zeros_like(at))

    found = minimize(
        downhill, logs, jac=True, method="L-BFGS-B", bounds=[(LOWEST, HIGHEST)] * len(logs),
        options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-10},
    )  # fmt: skip
    return found.x, float(-found.fun * scale)


def _polished(likelihood: Likelihood, logs: Floats) -> Floats:
    """A few steps of Newton's method, with second derivatives from differences of the exact first ones."""
    for _ in range(NEWTON_STEPS):
        value, slope = _in_logs(likelihood, logs)
        step = _newton(likelihood, logs, slope)
        if step is None:
            break
        further = np.clip(logs + step, LOWEST, HIGHEST)
        if not _in_logs(likelihood, further)[0] >= value:
            break
        logs = further
        if np.max(np.abs(step)) < 1e-10:
            break
    return logs


def _newton(likelihood: Likelihood, logs: Floats, slope: Floats) -> Floats | None:
    width = 1e-4
    bends = [
        (_in_logs(likelihood, logs + each)[1] - _in_logs(likelihood, logs - each)[1]) / (2 * width)
        for each in np.eye(len(logs)) * width
    ]
    curve = np.array(bends)
    if not np.all(np.isfinite(curve)):
        return None
    try:
        step: Floats = np.linalg.solve((curve + curve.T) / 2, -slope).astype(np.float64)
    except np.linalg.LinAlgError:
        return None
    return step if np.max(np.abs(step)) < 1 else None
