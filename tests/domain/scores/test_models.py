"""The fitted models as a package: what they expect rests on the purchases alone, and words need none of them."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from domain.scores.models import mbg_nbd
from domain.scores.models._buying import Histories

ROOT = Path(__file__).parents[3]


def test_the_words_of_scores_are_read_without_numpy() -> None:
    code = (
        "import sys; from domain.scores import churn, expected_value, models, refusals, second_purchase;"
        "print({'numpy', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def bought(dice: np.random.Generator) -> tuple[float, float, float]:
    """(x, tx, t) of somebody who buys at a rate of their own and leaves for good after some purchase."""
    known, rate, leaves = int(dice.integers(200, 500)), dice.gamma(0.9, 1 / 25), dice.beta(1.0, 3.0)
    day, last, times = 0.0, 0, 0
    while dice.random() >= leaves:
        day += 1 + dice.exponential(1 / rate)
        if day > known:
            break
        times, last = times + 1, int(day)
    return times, last, known


def test_a_fit_is_the_same_however_people_are_grouped_or_ordered() -> None:
    dice = np.random.default_rng(4)
    x, tx, t = np.array([bought(dice) for _ in range(900)]).T
    alone = mbg_nbd.fit(Histories(x, tx, t, np.ones(900)))
    order = dice.permutation(900)
    key, count = np.unique(np.stack([x, tx, t])[:, order], axis=1, return_counts=True)
    grouped = mbg_nbd.fit(Histories(*key, count.astype(float)))
    assert alone.refused is None
    assert grouped.refused is None
    for name, value in alone.params.items():
        assert abs(grouped.params[name] / value - 1) < 1e-3, name
