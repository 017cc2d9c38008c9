"""What may be said of a figure: how sure it is, whether it changed, and which segments differ (definitions §2)."""

from dataclasses import dataclass
from typing import Literal

from domain.metrics._intervals import FEW, GREY, Difference, Interval, newcombe, stricter, wilson
from domain.metrics._shape import Figure

FLAT = 0.005  # of a figure counted wholly: under half a point is no change
Strength = Literal["none", "few", "grey", "full"]
Trend = Literal["up", "down", "flat", "no clear change"]


@dataclass(frozen=True)
class Change:
    """Against the month before: the difference of the shares, its interval (none where everyone was counted)."""

    value: float
    interval: Interval | None
    trend: Trend


@dataclass(frozen=True)
class Gap:
    """Between the segments that answered a message most and least."""

    highest: str
    lowest: str
    difference: Difference

    @property
    def is_clear(self) -> bool:
        return self.difference.interval.leaves_out_zero


@dataclass(frozen=True)
class AgainstRest:
    """A segment's share minus that of everyone reached who is not in it; flagged when clear among so many."""

    difference: Difference
    is_flagged: bool


def strength(figure: Figure, *, exact: bool = False) -> Strength:
    """How the figure may be shown: not at all, as "k of n" only, as a percentage in grey, or plainly."""
    if figure.of == 0:
        return "none"
    if exact:
        return "full"
    return "few" if figure.of < FEW else "grey" if figure.of < GREY else "full"


def interval(figure: Figure, *, exact: bool = False) -> Interval | None:
    return None if exact or figure.of == 0 else wilson(figure.who, figure.of)


def change(figure: Figure, before: Figure | None, *, exact: bool = False) -> Change | None:
    """None when there is nothing to compare, or too few on either side to tell."""
    if before is None or {"none", "few"} & {strength(figure, exact=exact), strength(before, exact=exact)}:
        return None
    if exact:
        value = figure.who / figure.of - before.who / before.of
        return Change(value, None, "flat" if abs(value) < FLAT else "up" if value > 0 else "down")
    difference = newcombe(figure.who, figure.of, before.who, before.of)
    if not difference.interval.leaves_out_zero:
        return Change(difference.value, difference.interval, "no clear change")
    return Change(difference.value, difference.interval, "up" if difference.value > 0 else "down")


def gap(message: Figure) -> Gap | None:
    """Highest minus lowest share among the segments with enough people; None with fewer than two."""
    enough = {key: part for key, part in message.parts.items() if part.of >= GREY}
    if len(enough) < 2:
        return None
    ranked = sorted(enough, key=lambda key: (enough[key].who / enough[key].of, key))
    low, high = enough[ranked[0]], enough[ranked[-1]]
    return Gap(ranked[-1], ranked[0], newcombe(high.who, high.of, low.who, low.of))


def against_rest(message: Figure) -> dict[str, AgainstRest]:
    """Each segment with enough people, against everyone reached who is not in it."""
    z = stricter(len(message.parts))
    compared: dict[str, AgainstRest] = {}
    for key, part in message.parts.items():
        who, of = message.who - part.who, message.of - part.of
        if part.of < GREY or of < FEW:
            continue
        is_flagged = newcombe(part.who, part.of, who, of, z).interval.leaves_out_zero
        compared[key] = AgainstRest(newcombe(part.who, part.of, who, of), is_flagged)
    return compared
