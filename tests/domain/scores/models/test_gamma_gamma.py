"""Gamma-Gamma: against people simulated by its own rules, and what it must refuse."""

import numpy as np
import pytest

from domain.scores.models import gamma_gamma
from domain.scores.models.gamma_gamma import Value, likelihood


def simulated(dice: np.random.Generator, truth: Value, people: int) -> tuple[np.ndarray, np.ndarray]:
    x = dice.geometric(0.3, people).astype(float)
    own = dice.gamma(truth.q, 1 / truth.v, people)
    return x, dice.gamma(truth.p * x, 1 / own) / x


@pytest.mark.parametrize("truth", [Value(6.25, 3.74, 15.44), Value(1.5, 8.0, 90_000.0)])
def test_known_parameters_are_found_again(truth: Value) -> None:
    x, mean = simulated(np.random.default_rng(2), truth, 8_000)
    found = gamma_gamma.fit(x, mean)
    assert found.refused is None
    at_truth, _ = likelihood(x, mean)(np.array([truth.p, truth.q, truth.v]))
    assert 0 <= 2 * (found.log_likelihood - at_truth) < 16.3  # chi-squared, 3 degrees: 999 in 1,000
    assert gamma_gamma.with_params(found.params).of_anyone == pytest.approx(truth.of_anyone, rel=0.05)


def test_the_gradient_is_that_of_the_likelihood() -> None:
    x, mean = simulated(np.random.default_rng(2), Value(6.25, 3.74, 15.44), 200)
    at, params = likelihood(x, mean), np.array([4.0, 3.0, 20.0])
    for n, slope in enumerate(at(params)[1]):
        step = np.eye(3)[n] * params[n] * 1e-6
        assert slope == pytest.approx((at(params + step)[0] - at(params - step)[0]) / (2 * step[n]), rel=1e-4)


def test_more_purchases_pull_less_towards_everyone() -> None:
    value = Value(6.25, 3.74, 15.44)
    nobody, once, often = value.of(np.array([0.0, 1.0, 50.0]), np.array([0.0, 100.0, 100.0]))
    assert nobody == pytest.approx(6.25 * 15.44 / 2.74)
    assert nobody < once < often < 100


def test_what_cannot_be_trusted_is_refused() -> None:
    dice = np.random.default_rng(1)
    x, mean = simulated(dice, Value(6.25, 3.74, 15.44), 3_000)
    assert gamma_gamma.fit(x[:99], mean[:99]).refused == "few_values"
    assert gamma_gamma.fit(x * 0, mean).refused == "few_values"
    assert gamma_gamma.fit(x, x * 10 + mean / 100).refused == "correlated"
    assert gamma_gamma.fit(x, np.full_like(x, 120.0)).refused in {"bound", "no_maximum"}
    assert gamma_gamma.fit(np.array([]), np.array([])).refused == "few_values"
    endless = dice.pareto(0.4, 3_000) + 1  # no mean
    assert gamma_gamma.fit(np.ones(3_000), endless).refused in {"no_mean", "bound", "no_maximum"}


def test_huge_amounts_do_not_overflow() -> None:
    x, mean = simulated(np.random.default_rng(2), Value(6.25, 3.74, 15.44e14), 2_000)
    found = gamma_gamma.fit(x, mean)
    assert found.refused is None
    assert np.all(np.isfinite(gamma_gamma.with_params(found.params).of(x, mean)))
