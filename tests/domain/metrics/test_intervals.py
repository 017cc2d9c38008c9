"""The intervals of definitions §2, to the tenth of a point."""

import random

import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from domain.metrics._intervals import Interval, Sample, needed, newcombe, stricter, student, welch, wilson


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


def test_EX_14_and_EX_15_an_uplift_is_proven_or_not_shown_yet() -> None:
    # 15.248 and 8.450: the definitions print 15.3 and 8.4, a tenth beside what statsmodels finds too (below).
    proven = newcombe(180, 900, 10, 100)
    assert (round(proven.value * 100, 1), points(proven.interval)) == (10.0, [2.2, 15.2])
    assert [round(end * 900) for end in (proven.interval.low, proven.interval.high)] == [19, 137]
    open_yet = newcombe(120, 1000, 8, 100)
    assert (round(open_yet.value * 100, 1), points(open_yet.interval)) == (4.0, [-3.2, 8.5])
    assert not open_yet.interval.leaves_out_zero


def test_how_many_it_takes() -> None:
    assert needed(0.10, 0.03) == 1600
    assert needed(0.10, 0.0) is None


def test_the_intervals_of_shares_are_those_of_statsmodels() -> None:
    chance = random.Random(7)
    for _ in range(300):
        of, other = chance.randint(1, 4000), chance.randint(1, 4000)
        who, theirs = chance.randint(0, of), chance.randint(0, other)
        low, high = proportion_confint(who, of, alpha=0.05, method="wilson")
        assert wilson(who, of).low == pytest.approx(low, abs=1e-6)
        assert wilson(who, of).high == pytest.approx(high, abs=1e-6)
        low, high = confint_proportions_2indep(who, of, theirs, other, method="newcomb", compare="diff")
        found = newcombe(who, of, theirs, other).interval
        assert (found.low, found.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))


def test_welch_is_scipys() -> None:
    chance = random.Random(3)
    for n, m in ((2, 3), (4, 9), (30, 12), (500, 60)):
        one = [chance.lognormvariate(5, 1) for _ in range(n)]
        two = [chance.lognormvariate(4, 1.5) for _ in range(m)]
        mine = welch(*(Sample(len(each), sum(each), sum(value**2 for value in each)) for each in (one, two)))
        theirs = stats.ttest_ind(one, two, equal_var=False)
        ends = theirs.confidence_interval(0.95)
        assert mine is not None
        if theirs.df >= 3:
            assert (mine.interval.low, mine.interval.high) == (
                pytest.approx(ends.low, rel=1e-4),
                pytest.approx(ends.high, rel=1e-4),
            )
    assert student(10) == pytest.approx(stats.t.ppf(0.975, 10), rel=1e-5)
    assert welch(Sample(1, 5, 25), Sample(9, 9, 9)) is None
    assert welch(Sample(9, 0, 0), Sample(9, 0, 0)) is None
