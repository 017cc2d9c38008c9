"""A dozen people to try the product as: each is at a point where something is about to happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256

from line.simulator.town import names
from line.simulator.town.people import Person
from line.simulator.town.shelf import PRODUCTS
from line.simulator.town.shopping import Bought, Order
from line.simulator.town.stories import Months, plus_months

# (days before the end, what was bought: sku and how many)
Bill = tuple[int, tuple[tuple[str, int], ...]]
TEA, GIFT, POT = (("T01", 1), ("S01", 1)), (("T09", 1), ("S07", 1)), (("W02", 1), ("W05", 1))


@dataclass(frozen=True)
class Persona:
    """Somebody with a name, a note on who they are, and bills of their own."""

    name: str
    note: str
    language: str = "zh-Hant"
    gender: str = "female"
    store: str = "daan"
    taste: str = "tea"
    known_days: int | None = 400  # since when a friend; None: nobody has met them yet
    is_member: bool = True
    birth: str = "1988-04-12"  # or "this month", "next month"
    blocked_days: int | None = None
    refused_days: int | None = None
    bills: tuple[Bill, ...] = ()


PERSONAS = (
    Persona("林詠晴", "knows nobody here yet: add the account, join, book", known_days=None),
    Persona("佐藤 美咲", "a traveller from Kyoto who has not met the shop yet", "ja", known_days=None),
    Persona("王淑芬", "gold, comes every three weeks, buys tea",
            bills=tuple((9 + 21 * n, GIFT if n % 3 == 0 else TEA) for n in range(17))),
    Persona("周美玲", "black, buys gifts for her office",
            bills=tuple((5 + 17 * n, (*GIFT, ("W06", 1))) for n in range(12))),
    Persona("黃怡君", "silver, one pot of tea away from gold",
            bills=((20, (("T04", 1),)), (75, (*POT, ("T01", 2))), (130, (("W02", 2), ("W06", 1))),
                   (210, GIFT), (300, TEA))),
    Persona("陳柏翰", "loved ware from Tainan, has not come for three months", gender="male", store="shennong",
            taste="ware", bills=((104, POT), (131, (("W03", 2),)), (160, (("W07", 1),)), (195, POT),
                                 (230, (("W01", 1),)))),
    Persona("蔡欣怡", "last bought 29 days ago: tomorrow the win-back looks at her", store="calligraphy",
            bills=((29, TEA), (70, (("T05", 2),)), (120, TEA))),
    Persona("張雅婷", "has her birthday this month", store="calligraphy", birth="this month",
            bills=((40, (("S03", 2),)), (140, (("S05", 1),)))),
    Persona("李冠宇", "has his birthday next month", gender="male", birth="next month", bills=((12, (("T03", 1),)),)),
    Persona("許家豪", "a friend for a month, looks at pages, has not joined", gender="male", store="shennong",
            known_days=31, is_member=False),
    Persona("吳志明", "blocked the account half a year ago, still buys in the store", gender="male", blocked_days=180,
            bills=((15, (("T07", 1),)), (90, (("T07", 2),)))),
    Persona("郭靜宜", "refused marketing: gets her bookings confirmed and nothing else", refused_days=60,
            bills=((33, (("S01", 1),)), (100, TEA))),
    Persona("สมชาย ใจดี", "reads Thai, books the Da'an store when in town", "th", "male", bills=((48, GIFT),)),
    Persona("Emily Carter", "reads English, joined last week, has not bought", "en", known_days=7),
)  # fmt: skip


def personas(months: Months) -> list[Person]:
    """Those who are known already as people of the town, the others only as owners of a phone."""
    return [_person(persona, number, months) for number, persona in enumerate(PERSONAS, 1)]


def their_orders(people: list[Person], months: Months) -> Iterator[Order]:
    """The bills of the personas; each person's days are kept with the person."""
    goods = {product.sku: product for product in PRODUCTS}
    for person, persona in zip(people, PERSONAS, strict=True):
        for days, bill in sorted(persona.bills, reverse=True):
            at = _at(months, days, 15, 20)
            bought = tuple(Bought(goods[sku], quantity) for sku, quantity in bill)
            person.orders.append(at)
            yield Order(f"{person.ref}-{days:03d}", person.ref, at, person.store, bought)


def is_known(person: Person) -> bool:
    """Whether the shop has met them."""
    return person.followed is not None


def _person(persona: Persona, number: int, months: Months) -> Person:
    met = persona.known_days is not None
    arrived = _at(months, persona.known_days or 0, 14)
    person = Person(
        ref=f"P{number:02d}", name=persona.name, language=persona.language, gender=persona.gender,
        store=persona.store, taste=persona.taste, habit="never", arrived=arrived,
        user_id=f"U{sha256(persona.name.encode()).hexdigest()[:32]}", note=persona.note,
        followed=arrived if met else None,
    )  # fmt: skip
    if met and persona.is_member:
        person.joined, person.consent = arrived + timedelta(minutes=4), persona.refused_days is None
        person.phone, person.birth = names.phone_of(9_000_000 + number), _birth(persona.birth, months)
    if persona.blocked_days is not None:
        person.blocked = _at(months, persona.blocked_days, 21)
    if persona.refused_days is not None:
        person.refused = _at(months, persona.refused_days, 21)
    return person


def _birth(written: str, months: Months) -> date:
    if written == "this month":
        return months.until.replace(year=1990, day=min(months.until.day, 28))
    if written == "next month":
        return plus_months(months.until.replace(day=1), 1).replace(year=1992, day=8)
    return date.fromisoformat(written)


def _at(months: Months, days: int, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(months.until - timedelta(days=days), time(hour, minute))
