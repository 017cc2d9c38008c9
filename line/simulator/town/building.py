"""Builds the town: first who, then what they bought, then everything else that happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from pathlib import Path

from line.simulator.town import gatherings, journeys, personas, sends, shopping, tagging, writing
from line.simulator.town.happenings import Happening
from line.simulator.town.people import Person, make_people
from line.simulator.town.shopping import Order
from line.simulator.town.stories import Months


def build(folder: Path, *, until: date, people: int = 3000) -> dict[str, int]:
    """Writes all files into the folder; returns how many lines each has."""
    folder.mkdir(parents=True, exist_ok=True)
    months = Months(until)
    named = personas.personas(months)
    crowd = make_people(months, people)
    known = [*filter(personas.is_known, named), *crowd]
    gathered = list(gatherings.hold_all(crowd, months))  # first, because some of them leave afterwards
    orders = sorted(
        [*personas.their_orders(named, months), *shopping.go_shopping(crowd, months)],
        key=lambda order: (order.at, order.ref),
    )
    happened = chain(gathered, happenings(known, crowd, orders, months))
    writing.write_staff(folder)
    writing.write_guide(folder)
    return {
        "people": writing.write_members(folder, known, months),
        "order lines": writing.write_purchases(folder, orders),
        "events": writing.write_events(folder, _before(months, happened)),
        "phones": writing.write_users(folder, [*named, *crowd], months),
    }


def happenings(known: list[Person], crowd: list[Person], orders: list[Order], months: Months) -> chain[Happening]:
    """In this order: later ones read the tags that earlier ones give."""
    return chain(
        tagging.tag_by_purchases(known, orders, months),
        journeys.arrivals(known, months),
        journeys.days_of_the_town(crowd, months),
        journeys.shop_visits(orders, known),
        sends.send_all(known, months),
    )


def _before(months: Months, happened: Iterable[Happening]) -> Iterator[Happening]:
    """What began on the last day may have ended after it: that is not history yet."""
    return (happening for happening in happened if happening.at < months.end)
