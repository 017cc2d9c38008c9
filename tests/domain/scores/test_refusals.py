"""Every reason for which a model is refused says the number it goes by, and the numbers are the models' own."""

from typing import Any

import numpy as np
import pytest

from domain.scores.models import bg_nbd, gamma_gamma, mbg_nbd
from domain.scores.models._buying import Histories
from domain.scores.refusals import REFUSALS


def histories(people: int, repeaters: int, known: float) -> Histories:
    """Of each kind at once: those who came back half way, and those who did not."""
    x, tx = np.array([0.0, 1.0]), np.array([0.0, known / 2])
    return Histories(x, tx, np.full(2, known), np.array([people - repeaters, repeaters], dtype=float))


@pytest.mark.parametrize("model", [bg_nbd, mbg_nbd])
@pytest.mark.parametrize(
    ("people", "repeaters", "known", "reason", "number"),
    [
        (299, 150, 400, "few_buyers", "300"),
        (300, 99, 400, "few_repeaters", "100"),
        (300, 100, 89, "too_young", "90 days"),
    ],
)
def test_a_model_refuses_below_the_number_its_words_say(
    model: Any, people: int, repeaters: int, known: float, reason: str, number: str
) -> None:
    assert model.fit(histories(people, repeaters, known)).refused == reason
    assert number in REFUSALS[reason]


@pytest.mark.parametrize("model", [bg_nbd, mbg_nbd])
def test_at_the_numbers_it_is_not_for_want_of_people_or_time(model: Any) -> None:
    found = model.fit(histories(300, 100, 90))
    assert found.refused not in {"few_buyers", "few_repeaters", "too_young"}


def test_values_need_a_hundred_people_as_their_words_say() -> None:
    few = gamma_gamma.fit(np.ones(99), np.linspace(1, 100, 99))
    enough = gamma_gamma.fit(np.ones(100), np.linspace(1, 100, 100))
    assert (few.refused, "100" in REFUSALS["few_values"]) == ("few_values", True)
    assert enough.refused != "few_values"


def test_each_reason_is_a_sentence_of_its_own() -> None:
    assert len(set(REFUSALS.values())) == len(REFUSALS)
    assert all(words.endswith(".") for words in REFUSALS.values())
