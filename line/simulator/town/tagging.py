"""The tags people's purchases gave them, night by night, as the programme's rules would have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from line.simulator.town.happenings import Happening
from line.simulator.town.people import Person
from line.simulator.town.shopping import Order
from line.simulator.town.stories import Months

BY_CATEGORY = {"tea": "tea_lover", "ware": "ware_lover", "sweets": "sweet_tooth"}
RULE_DAYS = 180  # the rules look back this far
RENEWED_AFTER = timedelta(days=330)
NIGHT = time(3, 20)
Span = tuple[datetime, datetime]


def tag_by_purchases(people: list[Person], orders: list[Order], months: Months) -> Iterator[Happening]:
    """Gives and takes the interest tags; each person remembers when they had which."""
    nights: dict[tuple[str, str], list[datetime]] = {}
    for order in orders:
        if order.buyer and not order.refund_of:
            for category in sorted({bought.product.category for bought in order.goods}):
                nights.setdefault((order.buyer, BY_CATEGORY[category]), []).append(_night_after(order.at))
    for person in people:
        for key in BY_CATEGORY.values():
            for since, until in _spans(nights.get((person.ref, key), [])):
                person.tags.append((key, since, until))
                yield from _told(person, key, since, until, months)


def _night_after(at: datetime) -> datetime:
    return datetime.combine(at.date() + timedelta(days=1), NIGHT)


def _spans(nights: list[datetime]) -> Iterator[Span]:
    """Each purchase holds the tag for as long as the rule looks back."""
    holds = timedelta(days=RULE_DAYS)
    if not nights:
        return
    since, until = nights[0], nights[0] + holds
    for night in nights[1:]:
        if night > until:
            yield since, until
            since = night
        until = night + holds
    yield since, until


def _told(person: Person, key: str, since: datetime, until: datetime, months: Months) -> Iterator[Happening]:
    at = since
    while at < min(until, months.end):
        yield Happening("tagged", person.ref, at, source="rule", object=key, data={"rule": 1})
        at += RENEWED_AFTER
    if until < months.end:
        yield Happening("untagged", person.ref, until, source="rule", object=key, data={"rule": 1})
