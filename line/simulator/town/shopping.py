"""Who bought what: orders, some of them from people nobody knows, and what was brought back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from line.simulator.town.people import HABITS, STORES, Person
from line.simulator.town.shelf import BY_CATEGORY, Product
from line.simulator.town.stories import DRIFTING_PACE, RISE_PACE, SEED, Months, plus_months, season

ONLINE = 0.24  # share of orders through the web shop
STRANGERS = 0.07  # orders of people nobody knows, beside those of the town
BROUGHT_BACK = 0.012


@dataclass(frozen=True, slots=True)
class Bought:
    """One product of an order."""

    product: Product
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """One order; `refund_of` names the order it takes back."""

    ref: str
    buyer: str
    at: datetime
    store: str
    goods: tuple[Bought, ...]
    refund_of: str = ""


def go_shopping(people: list[Person], months: Months) -> list[Order]:
    """Everyone's orders and refunds, oldest first; each person's days are kept with the person."""
    random = Random(f"{SEED}:orders")
    orders = [order for person in people for order in _orders_of(person, random, months)]
    strangers = [_stranger(random, months, n) for n in range(int(len(orders) * STRANGERS))]
    orders = sorted([*orders, *strangers], key=lambda order: (order.at, order.ref))
    return sorted([*orders, *_refunds(orders, random, months)], key=lambda order: (order.at, order.ref))


def _orders_of(person: Person, random: Random, months: Months) -> Iterator[Order]:
    gap, size = HABITS[person.habit][1:]
    if gap is None or person.joined is None:
        return
    at, number = person.joined + timedelta(minutes=random.randrange(5, 40)), 0
    while at < months.end and (person.left is None or at < person.left):
        number += 1
        yield _order(person, f"{person.ref}-{number:03d}", at, size, random)
        person.orders.append(at)
        days = random.gammavariate(2.4, gap / 2.4) / _pace(person, at, months)
        at = _opening_hour(at + timedelta(days=max(days, 1.0)), random)


def _pace(person: Person, at: datetime, months: Months) -> float:
    """How much sooner than usual the next purchase comes."""
    pace = season(at.date())
    if months.rise <= at.date() < plus_months(months.rise, 1):
        pace *= RISE_PACE
    if person.is_tainan_ware and at + timedelta(days=20) >= months.drift_from:
        pace *= DRIFTING_PACE
    return pace


def _opening_hour(at: datetime, random: Random) -> datetime:
    return at.replace(hour=random.randrange(10, 20), minute=random.randrange(60), second=random.randrange(60))


def _order(person: Person, ref: str, at: datetime, size: float, random: Random) -> Order:
    if random.random() < ONLINE:
        store = ""
    elif random.random() < 0.92:
        store = person.store
    else:
        store = random.choice(list(STORES))
    return Order(ref, person.ref, at, store, goods_for(person.taste, size, random))


def goods_for(taste: str, size: float, random: Random) -> tuple[Bought, ...]:
    """One to four things, mostly of the kind this person likes."""
    kinds = max(1, min(4, round(random.gammavariate(2.2, size / 1.5))))
    chosen: dict[str, Bought] = {}
    for _ in range(kinds):
        category = taste if random.random() < 0.72 else random.choice(("tea", "sweets", "tea", "ware"))
        product = random.choice(BY_CATEGORY[category])
        quantity = 2 if category != "ware" and random.random() < 0.2 * size else 1
        chosen[product.sku] = Bought(product, quantity)
    return tuple(chosen.values())


def _stranger(random: Random, months: Months, number: int) -> Order:
    at = datetime.combine(months.start, datetime.min.time()) + timedelta(days=random.random() * 912)
    goods = goods_for(random.choice(("tea", "sweets")), 0.7, random)
    return Order(f"X{number:05d}", "", _opening_hour(at, random), random.choice(list(STORES)), goods)


def _refunds(orders: list[Order], random: Random, months: Months) -> Iterator[Order]:
    """Some orders come back within a week, wholly or in part."""
    for order in orders:
        if random.random() >= BROUGHT_BACK:
            continue
        at = _opening_hour(order.at + timedelta(days=random.randrange(1, 8)), random)
        if at < months.end:
            goods = order.goods if random.random() < 0.4 else order.goods[:1]
            yield Order(f"R-{order.ref}", order.buyer, at, order.store, goods, refund_of=order.ref)
