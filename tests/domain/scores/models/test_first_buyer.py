"""Whether first buyers come back: found where there is something to find, refused where there is not."""

import numpy as np
import pytest

from domain.scores.models import first_buyer
from domain.scores.models.first_buyer import First
from domain.scores.second_purchase import band


def simulated(people: int, *, seed: int = 1, pull: float = 1.5, usual: float = -0.5) -> tuple[list[First], list[bool]]:
    """Tea buyers and people of store A come back more often, by `pull` in log-odds."""
    dice = np.random.default_rng(seed)
    firsts, back = [], []
    for _ in range(people):
        category, store = dice.choice(["tea", "cups", "rare"], p=[0.45, 0.5, 0.05]), dice.choice(["A", "B"])
        amount = float(dice.lognormal(6, 1))
        odds = usual + pull * ((category == "tea") - 0.5) + pull * ((store == "A") - 0.5)
        kinds = (str(category), "pos", str(store), str(dice.integers(7)), "spring", "")
        firsts.append(First(amount, float(dice.integers(0, 400)), kinds))
        back.append(bool(dice.random() < 1 / (1 + np.exp(-odds))))
    return firsts, back


def test_who_comes_back_is_told_apart_and_counted_right() -> None:
    firsts, back = simulated(4_000)
    found = first_buyer.fit(firsts, back)
    assert found.refused is None
    assert found.facts["held_back"] == 800
    assert found.facts["auc"] > 0.65
    unseen, truth = simulated(4_000, seed=2)
    chances = first_buyer.probabilities(unseen, found.params)
    assert chances.mean() == pytest.approx(np.mean(truth), abs=0.03)
    for low, high in ((0, 0.3), (0.3, 0.5), (0.5, 1)):
        inside = (chances >= low) & (chances < high)
        assert inside.sum() > 100
        assert np.mean(np.array(truth)[inside]) == pytest.approx(chances[inside].mean(), abs=0.07)


def test_months_held_back_set_it_right_when_everybody_comes_back_more_often() -> None:
    early, then = simulated(2_000, usual=-1.5)
    late, now = simulated(500, seed=3, usual=0.5)
    found = first_buyer.fit([*early, *late], [*then, *now])
    assert first_buyer.probabilities(late, found.params).mean() == pytest.approx(np.mean(now), abs=0.02)


def test_a_value_never_seen_is_no_error() -> None:
    firsts, back = simulated(1_000)
    found = first_buyer.fit(firsts, back)
    stranger = First(1e12, 0.0, ("new", "new", "new", "9", "new", "new"))
    (chance,) = first_buyer.probabilities([stranger], found.params)
    assert 0 < chance < 1
    assert first_buyer.probabilities([], found.params).tolist() == []


def test_too_little_and_nothing_to_find_are_refused() -> None:
    firsts, back = simulated(1_000)
    assert first_buyer.fit(firsts[:299], back[:299]).refused == "few_buyers"
    assert first_buyer.fit([], []).refused == "few_buyers"
    assert first_buyer.fit(firsts, [n < 99 for n in range(1_000)]).refused == "few_repeaters"
    turned = [not each if n >= 800 else each for n, each in enumerate(back)]
    assert first_buyer.fit(firsts, turned).refused == "no_difference"
    everyone = first_buyer.fit(firsts, [True] * 1_000)
    assert everyone.refused == "no_difference"


def test_bands_are_against_what_is_usual() -> None:
    assert [band(each, 0.2) for each in (0.26, 0.2, 0.15, 0.139)] == ["likely", "usual", "usual", "unlikely"]
