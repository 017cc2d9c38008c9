"""Expected value: twelve months, each 1 % less, times what an order is worth; A, B and C by rank among buyers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from domain.scores import expected_value
from domain.scores.models import gamma_gamma
from domain.scores.models.expecting import Buyers, expect, value_bands

VALUE = gamma_gamma.with_params({"p": 6.25, "q": 3.74, "v": 15.44})


@dataclass(frozen=True)
class Monthly:
    """Buyers of whom the sum is known by hand: one purchase each month, and surely not gone."""

    def p_alive(self, x: Any, tx: Any, t: Any) -> Any:
        return np.ones_like(t)

    def p_buys(self, x: Any, tx: Any, t: Any, days: float) -> Any:
        return np.ones_like(t)

    def purchases_if_alive(self, x: Any, t: Any, days: float) -> Any:
        return np.full_like(t, days * 12 / 365)


MONTHLY: Any = Monthly()


def test_each_month_counts_one_percent_less_than_the_one_before() -> None:
    one = Buyers(np.array([1]), *(np.array([each]) for each in (2.0, 100.0, 200.0, 40.0)))
    found = expect(one, MONTHLY, VALUE, margin=1, decimals=2)
    order = 6.25 * (15.44 + 40 * 2) / (6.25 * 2 + 2.74)
    annuity = (1 - 1.01**-12) / 0.01  # 11.2551 payments, the first after one month
    assert found.purchases[0] == pytest.approx(12)
    assert found.value is not None
    assert found.value[0] == pytest.approx(annuity * order, abs=0.005)
    half = expect(one, MONTHLY, VALUE, margin=0.5, decimals=2)
    assert half.value is not None
    assert half.value[0] == pytest.approx(annuity * order / 2, abs=0.005)


@pytest.mark.parametrize("buyers", [1, 2, 5, 7, 10, 100, 1_003])
def test_A_is_at_most_a_fifth_and_with_B_at_most_half_where_nobody_is_equal(buyers: int) -> None:
    bands = value_bands(np.arange(buyers, dtype=float)).tolist()
    assert bands == sorted(bands, reverse=True)
    assert bands.count("A") == buyers * 20 // 100
    assert bands.count("A") + bands.count("B") == buyers * 50 // 100
    assert set(bands) <= set(expected_value.BANDS)


def test_equals_at_the_edge_all_go_up() -> None:
    assert "".join(value_bands(np.array([9, 8, 8, 8, 5, 5, 5, 5, 1, 1.0]))) == "AAAABBBBCC"
