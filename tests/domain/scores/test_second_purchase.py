"""How likely a second purchase is: the bands are against the share of all first buyers who came back."""

import pytest

from domain.scores.second_purchase import BANDS, band


@pytest.mark.parametrize(
    ("probability", "usual", "expected"),
    [
        (0.65, 0.5, "likely"), (0.6499, 0.5, "usual"), (0.5, 0.5, "usual"),
        (0.35, 0.5, "usual"), (0.3499, 0.5, "unlikely"), (0.0, 0.5, "unlikely"),
        # The same chance is much where few come back, and little where most do.
        (0.2, 0.1, "likely"), (0.2, 0.2, "usual"), (0.2, 0.6, "unlikely"),
    ],
)  # fmt: skip
def test_a_chance_is_much_or_little_against_what_is_usual(probability: float, usual: float, expected: str) -> None:
    assert band(probability, usual) == expected
    assert expected in BANDS
