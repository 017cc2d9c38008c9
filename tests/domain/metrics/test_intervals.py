"""The intervals of definitions §2, to the tenth of a point."""

import pytest

from domain.metrics._intervals import Interval, newcombe, stricter, wilson


def points(interval: Interval) -> list[float]:
    return [round(interval.low * 100, 1), round(interval.high * 100, 1)]


@pytest.mark.parametrize(
    ("who", "of", "expected"),
    [(3, 12, [8.9, 53.2]), (30, 120, [18.1, 33.4]), (300, 1000, [27.2, 32.9]), (0, 10, [0, 27.8])],
)
def test_EX_01_wilson(who: int, of: int, expected: list[float]) -> None:
    assert points(wilson(who, of)) == expected


def test_EX_03_gap_of_two_segments() -> None:
    gap = newcombe(18, 40, 12, 120)
    assert round(gap.value * 100, 1) == 35.0
    assert points(gap.interval) == [19.2, 50.7]
    rest = newcombe(18, 40, 15, 132)
    assert round(rest.value * 100, 1) == 33.6
    assert points(rest.interval) == [17.9, 49.4]
    assert points(newcombe(18, 40, 15, 132, stricter(3)).interval) == [14.7, 52.6]
    assert round(stricter(3), 5) == 2.39398


def test_EX_05_no_clear_change() -> None:
    change = newcombe(24, 80, 18, 75)
    assert round(change.value * 100, 1) == 6.0
    assert points(change.interval) == [-8.0, 19.6]
    assert not change.interval.leaves_out_zero


def test_an_interval_never_leaves_the_possible() -> None:
    assert wilson(10, 10).high == 1.0
    assert wilson(0, 1).low == 0.0
