"""Risk of being lost: its bands lie where the definition says, and each has words of its own."""

import numpy as np
import pytest

from domain.scores import churn
from domain.scores.models import mbg_nbd
from domain.scores.models.expecting import Buyers, expect


def test_EX_17_the_bands_of_four_customers_looking_90_days_ahead() -> None:
    """The example is in weeks; the same people in days, and one who is too new to tell."""
    model = mbg_nbd.with_params({"r": 0.525, "alpha": 6.183 * 7, "a": 0.891, "b": 1.614})
    x, weeks, known = [0, 2, 7, 7, 0], [0, 30.43, 35, 10, 0], [38.86] * 4 + [29 / 7]
    days = (np.array(x, dtype=float), np.array(weeks) * 7, np.array(known) * 7)
    found = expect(Buyers(np.arange(5), *days, np.zeros(5)), model, None, margin=1, decimals=0)
    assert found.p_buys[:4].tolist() == pytest.approx([0.0481, 0.3316, 0.7056, 0.0037], abs=1e-4)
    assert found.churn.tolist() == ["high", "middle", "low", "high", "too_new"]


def test_every_band_that_is_stored_has_words_and_none_has_two() -> None:
    kinds = (churn.BANDS, churn.RECENCY_BANDS, {churn.NEVER: ""})
    assert sum(len(kind) for kind in kinds) == len(churn.ALL_BANDS) == len(set(churn.ALL_BANDS.values()))
    assert {name for name, _ in churn.RECENCY_DAYS} | {churn.OLDER} == set(churn.RECENCY_BANDS)
