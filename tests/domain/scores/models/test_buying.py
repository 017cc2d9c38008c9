"""BG/NBD and MBG/NBD: against worked examples, an independent integration, and people simulated by their rules."""

from typing import Any

import mpmath
import numpy as np
import pytest

from domain.scores.models import bg_nbd, mbg_nbd
from domain.scores.models._buying import Buying, Histories, likelihood

WEEKLY = Buying(1, 0.525, 6.183, 0.891, 1.614)


def array(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=float)


@pytest.mark.parametrize(
    ("x", "tx", "alive", "buys"),
    [(0, 0, 0.3897, 0.0481), (2, 30.43, 0.7062, 0.3316), (7, 35, 0.8313, 0.7056), (7, 10, 0.0043, 0.0037)],
)
def test_EX_17_four_customers(x: float, tx: float, alive: float, buys: float) -> None:
    who = array(x), array(tx), array(38.86)
    assert WEEKLY.p_alive(*who)[0] == pytest.approx(alive, abs=5e-5)
    assert WEEKLY.p_buys(*who, 90 / 7)[0] == pytest.approx(buys, abs=5e-5)


def by_integration(model: Buying, x: int, tx: float, t: float, days: float) -> tuple[float, float, float]:
    """(likelihood, P(alive), expected purchases) by integrating over everybody's rate and chance, with no formula."""
    chances = [0, mpmath.mpf(1) / 4, mpmath.mpf(3) / 4, 1]
    rates = [0, *((n / mpmath.mpf(model.alpha + t)) ** model.r for n in (1, 10)), mpmath.inf]

    def over_rates(of: Any) -> Any:
        """By u = rate^r, which takes the gamma density's pole at 0 away."""

        def at(u: Any) -> Any:
            rate = u ** (1 / mpmath.mpf(model.r))
            return mpmath.exp(-model.alpha * rate) * of(rate)

        return mpmath.quad(at, rates) * model.alpha**model.r / mpmath.gamma(model.r + 1)

    def over_chances(of: Any) -> Any:
        def at(p: Any) -> Any:
            return p ** (model.a - 1) * (1 - p) ** (model.b - 1) * of(p)

        return mpmath.quad(at, chances) / mpmath.beta(model.a, model.b)

    stayed = over_chances(lambda p: (1 - p) ** (x + model.k))
    here = stayed * over_rates(lambda rate: rate**x * mpmath.exp(-rate * t))
    gone = mpmath.mpf(0)
    if x or model.k:
        left = over_chances(lambda p: p * (1 - p) ** (x + model.k - 1))
        gone = left * over_rates(lambda rate: rate**x * mpmath.exp(-rate * tx))
    bought = over_chances(
        lambda p: (
            (1 - p) ** (x + model.k)
            / p
            * over_rates(lambda rate: rate**x * mpmath.exp(-rate * t) * -mpmath.expm1(-rate * p * days))
        )
    )
    whole = here + gone
    return float(whole), float(here / whole), float(bought / whole)


@pytest.mark.parametrize("model", [WEEKLY, Buying(0, 0.243, 4.414, 0.793, 2.426)], ids=["mbg", "bg"])
@pytest.mark.parametrize(("x", "tx"), [(0, 0.0), (2, 30.43), (7, 10.0)])
def test_a_single_customer_is_what_integrating_the_likelihood_gives(model: Buying, x: int, tx: float) -> None:
    whole, alive, bought = by_integration(model, x, tx, 38.86, 52.0)
    of = Histories(array(x), array(tx), array(38.86), array(1))
    value, _ = likelihood(model.k, of)(array(model.r, model.alpha, model.a, model.b))
    assert value == pytest.approx(np.log(whole), abs=1e-6)
    assert model.p_alive(of.x, of.tx, of.t)[0] == pytest.approx(alive, rel=1e-6)
    expected = model.p_alive(of.x, of.tx, of.t)[0] * model.purchases_if_alive(x, of.t, 52.0)[0]
    assert expected == pytest.approx(bought, rel=1e-6)


def published(model: Buying, x: int, t: float, days: float) -> float:
    """The papers' formula with 2F1, in as many digits as it needs."""
    r, b = model.r + x, model.b + x + model.k
    if model.a == 1:
        return (published(_with_a(model, 1 + 1e-7), x, t, days) + published(_with_a(model, 1 - 1e-7), x, t, days)) / 2
    with mpmath.workdps(60):
        a, z = mpmath.mpf(model.a), mpmath.mpf(days) / (mpmath.mpf(model.alpha) + t + days)
        series = mpmath.hyp2f1(r, b, a + b - 1, z)
        return float((a + b - 1) / (a - 1) * (1 - (1 - z) ** r * series))


def _with_a(model: Buying, a: float) -> Buying:
    return Buying(model.k, model.r, model.alpha, a, model.b)


@pytest.mark.parametrize("a", [0.02, 0.793, 0.999999, 1.0, 300])
@pytest.mark.parametrize("b", [0.05, 2.4, 2000])
@pytest.mark.parametrize("k", [0, 1])
def test_expected_purchases_are_right_where_2F1_is_hard(k: int, a: float, b: float) -> None:
    for r in (0.05, 40):
        for alpha, t, days in ((5, 1, 365), (40, 700, 90), (0.5, 3, 365)):
            model = Buying(k, r, alpha, a, b)
            for x in (0, 3, 600):
                found = model.purchases_if_alive(x, array(t), days)[0]
                assert found == pytest.approx(published(model, x, t, days), rel=2e-6), (r, alpha, t, days, x)


def test_extremes_stay_numbers() -> None:
    for model in (Buying(1, 1e-4, 1e-4, 1e-4, 1e-4), Buying(1, 1e4, 1e7, 1e4, 1e4), Buying(0, 1e4, 1e-3, 1e-4, 1e4)):
        x, tx, t = array(0, 1, 1000, 1094), array(0, 1094, 1000, 1094), array(0, 1094, 1094, 1094)
        for found in (model.p_alive(x, tx, t), model.p_buys(x, tx, t, 90)):
            assert np.all((found >= 0) & (found <= 1))
        for each in x:
            many = model.purchases_if_alive(each, t, 365.0)
            assert np.all(np.isfinite(many) & (many >= 0))


def simulated(dice: np.random.Generator, model: Buying, people: int, longest: float) -> Histories:
    """People who buy and leave as the model says, each known for some time up to `longest`."""
    rates, chances = dice.gamma(model.r, 1 / model.alpha, people), dice.beta(model.a, model.b, people)
    known = dice.uniform(longest / 4, longest, people)
    rows = []
    for rate, chance, t in zip(rates, chances, known, strict=True):
        x, last, is_here = 0, 0.0, model.k == 0 or dice.random() >= chance
        while is_here:
            following = last + dice.exponential(1 / rate)
            if following > t:
                break
            x, last, is_here = x + 1, following, dice.random() >= chance
        rows.append((x, last, t, 1))
    return Histories(*np.array(rows, dtype=float).T)


@pytest.mark.parametrize("module", [mbg_nbd, bg_nbd])
@pytest.mark.parametrize("truth", [(0.8, 20.0, 1.2, 3.5), (2.5, 90.0, 0.6, 4.0)])
def test_known_parameters_are_found_again(module: Any, truth: tuple[float, ...]) -> None:
    k = 1 if module is mbg_nbd else 0
    people = simulated(np.random.default_rng(5), Buying(k, *truth), 12_000, 500.0)
    found = module.fit(people)
    assert found.refused is None
    at_truth, _ = likelihood(k, people)(array(*truth))
    # Twice the gain over the truth is about chi-squared with 4 degrees of freedom; 18.5 is beyond 999 in 1,000.
    assert 0 <= 2 * (found.log_likelihood - at_truth) < 18.5
    assert found.params["r"] / found.params["alpha"] == pytest.approx(truth[0] / truth[1], rel=0.1)


def test_groups_count_as_their_people() -> None:
    people = simulated(np.random.default_rng(9), Buying(1, 0.8, 20, 1.2, 3.5), 2_000, 400.0)
    doubled = Histories(people.x, people.tx, people.t, people.count * 2)
    once, twice = mbg_nbd.fit(people), mbg_nbd.fit(doubled)
    assert twice.params == pytest.approx(once.params, rel=1e-4)
    assert twice.log_likelihood == pytest.approx(2 * once.log_likelihood)
    assert twice.facts["buyers"] == 2 * once.facts["buyers"]


def test_the_gradient_is_that_of_the_likelihood() -> None:
    people = simulated(np.random.default_rng(3), Buying(1, 0.8, 20, 1.2, 3.5), 300, 400.0)
    for k in (0, 1):
        at = likelihood(k, people)
        params = array(0.7, 30, 0.9, 2.2)
        for n, slope in enumerate(at(params)[1]):
            step = np.eye(4)[n] * params[n] * 1e-6
            assert slope == pytest.approx((at(params + step)[0] - at(params - step)[0]) / (2 * step[n]), rel=1e-4)


def alike(x: float, tx: float, t: float, people: int) -> Histories:
    return Histories(array(x), array(tx), array(t), array(people))


def both(*groups: Histories) -> Histories:
    parts = zip(*((each.x, each.tx, each.t, each.count) for each in groups), strict=True)
    return Histories(*(np.concatenate(part) for part in parts))


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (Histories(array(), array(), array(), array()), "few_buyers"),
        (alike(3, 40, 300, 1), "few_buyers"),
        (alike(3, 40, 300, 299), "few_buyers"),
        (alike(0, 0, 300, 5_000), "few_repeaters"),
        (both(alike(0, 0, 300, 5_000), alike(1, 9, 300, 99)), "few_repeaters"),
        (both(alike(0, 0, 80, 5_000), alike(1, 9, 80, 100)), "too_young"),
        (alike(0, 0, 0, 5_000), "few_repeaters"),
    ],
)
def test_what_is_too_little_is_refused(of: Histories, why: str) -> None:
    found = mbg_nbd.fit(of)
    assert (found.refused, found.params) == (why, {})


@pytest.mark.parametrize(
    "of",
    [
        alike(1, 1, 1000, 5_000),
        alike(30, 300, 300, 5_000),
        both(alike(0, 0, 200, 400), alike(1, 0, 200, 400)),
        both(alike(0, 0, 1e6, 400), alike(1000, 1e6, 1e6, 400)),
    ],
)
def test_everyone_alike_is_refused_and_never_an_error(of: Histories) -> None:
    for module in (mbg_nbd, bg_nbd):
        assert module.fit(of).refused in {"bound", "no_maximum", "no_dropout"}


def test_people_who_never_leave_are_refused() -> None:
    people = simulated(np.random.default_rng(4), Buying(1, 3.0, 60.0, 0.01, 40.0), 3_000, 500.0)
    assert mbg_nbd.fit(people).refused in {"bound", "no_maximum", "no_dropout"}
