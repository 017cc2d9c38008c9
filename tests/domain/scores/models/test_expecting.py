"""What is expected of everyone at once: bands with their edges, the value of twelve months, and words for refusals."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.scores import churn, expected_value, refusals
from domain.scores.models import gamma_gamma, mbg_nbd
from domain.scores.models.expecting import Buyers, churn_bands, expect, value_bands

MODEL = mbg_nbd.with_params({"r": 0.525, "alpha": 43.281, "a": 0.891, "b": 1.614})
VALUE = gamma_gamma.with_params({"p": 6.25, "q": 3.74, "v": 15.44})


def array(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=float)


def test_the_bands_of_risk_have_their_edges_where_they_are_said_to_be() -> None:
    found = churn_bands(array(0.5, 0.4999, 0.2, 0.1999, 0.9, 0.9), array(90, 90, 90, 90, 29, 30))
    assert found.tolist() == ["low", "middle", "middle", "high", "too_new", "low"]
    assert set(found) == set(churn.BANDS)


@pytest.mark.parametrize(
    ("values", "bands"),
    [
        (range(10, 0, -1), "AABBBCCCCC"),
        ([9, 9, 9, 9, 1, 1, 1, 1, 1, 1], "AAAABBBBBB"),
        ([9, 8, 8, 8, 5, 4, 3, 2, 1, 0], "AAAABCCCCC"),
        ([5] * 10, "A" * 10),
    ],
)
def test_value_bands_go_by_rank_and_equals_at_an_edge_go_up(values: Any, bands: str) -> None:
    assert "".join(value_bands(array(*values))) == bands
    assert set(expected_value.BANDS) == {"A", "B", "C"}


def test_twelve_months_are_worth_what_their_purchases_are_each_a_little_less() -> None:
    """Against the definition's sum, month by month, for one buyer."""
    buyer = Buyers(np.array([1]), array(2), array(213), array(272), array(40.0))
    found = expect(buyer, MODEL, VALUE, margin=0.5, decimals=2)
    alive = MODEL.p_alive(buyer.x, buyer.tx, buyer.t)[0]
    by_then = [alive * MODEL.purchases_if_alive(2, buyer.t, month * 365 / 12)[0] for month in range(13)]
    coming = sum((by_then[k] - by_then[k - 1]) / 1.01**k for k in range(1, 13))
    order = 6.25 * (15.44 + 40 * 2) / (6.25 * 2 + 2.74)
    assert found.order is not None
    assert found.value is not None
    assert found.order[0] == pytest.approx(order, abs=0.005)
    assert found.value[0] == pytest.approx(coming * order * 0.5, abs=0.005)
    assert found.purchases[0] == pytest.approx(by_then[12], abs=5e-5)


def test_people_in_a_crowd_are_expected_what_they_are_alone() -> None:
    dice = np.random.default_rng(6)
    x, t = dice.integers(0, 9, 300).astype(float), dice.integers(1, 1095, 300).astype(float)
    crowd = Buyers(np.arange(300), x, np.where(x > 0, np.floor(t / 2), 0), t, np.where(x > 0, 50.0, 0.0))
    found = expect(crowd, MODEL, VALUE, margin=1, decimals=2)
    for n in (0, 7, 150, 299):
        alone = Buyers(*(getattr(crowd, name)[n : n + 1] for name in ("ids", "x", "tx", "t", "mean")))
        one = expect(alone, MODEL, VALUE, margin=1, decimals=2)
        assert (one.p_alive[0], one.p_buys[0], one.purchases[0]) == (
            found.p_alive[n],
            found.p_buys[n],
            found.purchases[n],
        )
        assert one.value is not None
        assert found.value is not None
        assert one.value[0] == found.value[n]


def test_without_a_value_model_there_is_risk_and_no_value() -> None:
    buyer = Buyers(np.array([1]), array(0), array(0), array(100), array(0))
    found = expect(buyer, MODEL, None, margin=1, decimals=0)
    assert (found.value, found.order, found.clv) == (None, None, None)
    assert found.churn.tolist() == ["high"]


def test_every_refusal_has_words() -> None:
    folder = Path(mbg_nbd.__file__).parent
    used = set()
    for path in folder.glob("*.py"):
        text = path.read_text("utf-8")
        used |= set(re.findall(r'(?:refused=|return )"([a-z_]+)"', text))
        used |= set(re.findall(r'return "([a-z_]+)" if', text))
    assert used
    assert used <= set(refusals.REFUSALS)


def test_silence_is_judged_anew_by_a_seventh_of_the_people_a_day() -> None:
    ids, nobody = np.arange(700), np.zeros(700)
    crowd = Buyers(ids, nobody, nobody, np.full(700, 200.0), nobody)
    assert crowd.lag(739_000, 0).max() == 0  # on the day of the fit everyone is
    days = [739_000 - crowd.lag(739_000, 30), 739_001 - crowd.lag(739_001, 31)]
    assert (days[0] != days[1]).sum() == 100
    assert crowd.lag(739_000, 30).max() == 6
    bought = Buyers(ids, nobody, np.full(700, 199.0), np.full(700, 200.0), nobody)
    assert bought.lag(739_000, 30).max() == 1  # nobody is judged as of a day before their last purchase


def test_who_is_too_new_to_tell_is_of_the_day_itself() -> None:
    buyer = Buyers(np.array([1]), array(0), array(0), array(30), array(0))
    assert expect(buyer, MODEL, None, margin=1, decimals=0, lag=array(6)).churn.tolist() != ["too_new"]
