"""How sure a share is: Wilson's interval, Newcombe's for differences, Welch's for means (definitions §2, §8)."""

from dataclasses import dataclass
from math import expm1, pi, sqrt
from statistics import NormalDist

Z95 = 1.959964
FEW = 10  # fewer than this: only "k of n"
GREY = 30  # fewer than this: shown in grey, left out of comparisons


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, as fractions of 1."""

    low: float
    high: float

    @property
    def leaves_out_zero(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Difference:
    """Of two shares: how much, and the interval around it."""

    value: float
    interval: Interval


def wilson(who: int, of: int, z: float = Z95) -> Interval:
    """Wilson's score interval of `who`/`of`, without continuity correction. `of` must not be 0."""
    share, square = who / of, z * z
    middle = share + square / (2 * of)
    half = z * sqrt(share * (1 - share) / of + square / (4 * of * of))
    scale = 1 + square / of
    # At the ends rounding errors would leave a hair outside [0, 1].
    low = 0.0 if who == 0 else (middle - half) / scale
    high = 1.0 if who == of else (middle + half) / scale
    return Interval(low, high)


def newcombe(who: int, of: int, other_who: int, other_of: int, z: float = Z95) -> Difference:
    """`who`/`of` minus `other_who`/`other_of`, with Newcombe's hybrid of two Wilson intervals (method 10)."""
    first, second = who / of, other_who / other_of
    mine, theirs = wilson(who, of, z), wilson(other_who, other_of, z)
    value = first - second
    down = sqrt((first - mine.low) ** 2 + (theirs.high - second) ** 2)
    up = sqrt((mine.high - first) ** 2 + (second - theirs.low) ** 2)
    return Difference(value, Interval(value - down, value + up))


def stricter(comparisons: int) -> float:
    """The z for one of so many comparisons made at once: confidence 1 - 0.05 / k."""
    return Z95 if comparisons <= 1 else NormalDist().inv_cdf(1 - 0.05 / (2 * comparisons))


@dataclass(frozen=True)
class Sample:
    """Amounts of a group: how many, their sum, and the sum of their squares."""

    n: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Of the values around their mean, with n - 1."""
        return max(0.0, (self.squares - self.total * self.mean) / (self.n - 1))


def welch(first: Sample, second: Sample) -> Difference | None:
    """The difference of two means, Welch's 95 % interval; None where a group has fewer than two or nothing varies."""
    if min(first.n, second.n) < 2:
        return None
    parts = [each.variance / each.n for each in (first, second)]
    spread = sum(parts)
    if spread == 0:
        return None
    freedom = spread**2 / sum(part**2 / (each.n - 1) for part, each in zip(parts, (first, second), strict=True))
    half = student(freedom) * sqrt(spread)
    value = first.mean - second.mean
    return Difference(value, Interval(value - half, value + half))


def student(freedom: float) -> float:
    """The two-sided 95 % point of Student's t, by Hill's series (Algorithm 396, CACM 13, 1970).

    Within a hundred-thousandth of the exact value from 3 degrees of freedom up; below, the whole number is taken.
    """
    if freedom < 3:
        return {1: 12.7062, 2: 4.30265}[max(1, int(freedom))]
    a = 1 / (freedom - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * pi / 2) * freedom
    y = (d * 0.05) ** (2 / freedom)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(0.025)
        y = x * x
        if freedom < 5:
            c += 0.3 * (freedom - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = expm1(a * y**2)
    else:
        y = ((1 / (((freedom + 6) / (freedom * y) - 0.089 * d - 0.822) * (freedom + 2) * 3) + 0.5 / (freedom + 4)) * y
             - 1) * (freedom + 1) / (freedom + 2) + 1 / y  # fmt: skip
    return sqrt(freedom * y)


def needed(share: float, difference: float) -> int | None:
    """About how many in each group it takes to see such a difference four times in five; None for none at all."""
    return round(16 * share * (1 - share) / difference**2) if difference else None
