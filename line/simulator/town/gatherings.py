"""Tastings and pop-ups: who took part, and whether they stayed with us afterwards (definitions §4.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from line.simulator.town.happenings import Happening
from line.simulator.town.people import Person
from line.simulator.town.stories import POP_UP, SEED, TASTING, Months


@dataclass(frozen=True)
class Gathering:
    """An event of some days: how many came, how many were tagged, followed up, and blocked us soon after."""

    ref: str
    first: date
    heads: int
    tagged: float
    enrolled: float
    blocked: float


def gatherings_of(months: Months) -> list[Gathering]:
    """A small one every other month; in the last closed month, one that captured well and one that did not."""
    small = [
        Gathering(f"{month:%Y-%m}-tea-table", month.replace(day=19), 46, 0.72, 0.66, 0.02)
        for n, month in enumerate(months.all())
        if n % 2 == 0 and n > 1 and month < months.last_closed
    ]
    month = months.last_closed
    good = Gathering(f"{month:%Y-%m}-{TASTING}", month.replace(day=17), 160, 0.88, 0.84, 0.01)
    bad = Gathering(f"{month:%Y-%m}-{POP_UP}", month.replace(day=18), 140, 0.22, 0.24, 0.08)
    return [*small, good, bad]


def hold_all(people: list[Person], months: Months) -> Iterator[Happening]:
    random = Random(f"{SEED}:gatherings")
    for gathering in gatherings_of(months):
        heads = max(12, round(gathering.heads * len(people) / 3000))
        opening = datetime.combine(gathering.first, time(13))
        there = [each for each in people if each.is_reachable(opening) and each.is_lively(opening)]
        for person in random.sample(there, min(heads, len(there))):
            yield from _take_part(person, gathering, opening, random)


def _take_part(person: Person, gathering: Gathering, opening: datetime, random: Random) -> Iterator[Happening]:
    """What follows comes within the week that counts."""
    at = opening + timedelta(days=random.randrange(3), minutes=random.randrange(300))
    yield Happening("participated", person.ref, at, source="staff", campaign=gathering.ref, object=gathering.ref)
    if random.random() < gathering.tagged:
        key = random.choice(("prefers_light", "prefers_roasted"))
        given = at + timedelta(minutes=random.randrange(20, 90))
        person.tags.append((key, given, None))
        yield Happening("tagged", person.ref, given, source="campaign", object=key)
    if random.random() < gathering.enrolled:
        later = at + timedelta(days=random.choice((1, 2, 3)))
        yield Happening("enrolled", person.ref, later, source="automation", object="automation:after_tasting")
    gone = at + timedelta(days=random.choice((2, 4, 5)))
    if random.random() < gathering.blocked and person.blocked is None:
        person.blocked = person.left = gone  # told with the other arrivals and departures
