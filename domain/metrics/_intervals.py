"""How sure a share is: Wilson's interval, and Newcombe's for the difference of two shares (definitions §2)."""

from dataclasses import dataclass
from math import sqrt
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
