"""Who lives in the town: when each came, what they like, how often they buy, when they leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from line.simulator.town import names
from line.simulator.town.stories import DAYS, SEED, Months

STORES = {"daan": 42, "calligraphy": 31, "shennong": 27}
TASTES = {"tea": 46, "sweets": 26, "ware": 28}
# Share of people; mean days between purchases; how much they take at once.
HABITS: dict[str, tuple[int, float | None, float]] = {
    "devoted": (4, 19.0, 1.8),
    "loyal": (11, 38.0, 1.4),
    "regular": (22, 72.0, 1.1),
    "occasional": (27, 140.0, 0.9),
    "once": (18, 400.0, 0.8),
    "never": (18, None, 0.0),
}
# Chance that a day of theirs is their last with us; the devoted hardly leave.
LEAVING = {"devoted": 0.0002, "loyal": 0.0004, "regular": 0.0009, "occasional": 0.0016, "once": 0.01, "never": 0.006}


@dataclass(slots=True)
class Person:
    """One person of the town. Times are local; None means it never happened."""

    ref: str
    name: str
    language: str
    gender: str
    store: str
    taste: str
    habit: str
    arrived: datetime
    user_id: str | None = None
    joined: datetime | None = None
    followed: datetime | None = None
    blocked: datetime | None = None
    left: datetime | None = None
    consent: bool | None = None
    refused: datetime | None = None
    phone: str = ""
    email: str = ""
    birth: date | None = None
    note: str = ""
    orders: list[datetime] = field(default_factory=list)
    # The tags their purchases and answers gave them: key, from, until.
    tags: list[tuple[str, datetime, datetime | None]] = field(default_factory=list)

    @property
    def is_tainan_ware(self) -> bool:
        """Of the group that drifts away."""
        return self.store == "shennong" and self.taste == "ware"

    def is_reachable(self, at: datetime) -> bool:
        return self.followed is not None and self.followed <= at and (self.blocked is None or self.blocked > at)

    def has_tag(self, key: str, at: datetime) -> bool:
        return any(tag == key and since <= at and (until is None or at < until) for tag, since, until in self.tags)

    def is_lively(self, at: datetime) -> bool:
        """Known by then, and not gone."""
        return self.arrived <= at and (self.left is None or at < self.left)


def make_people(months: Months, count: int) -> list[Person]:
    """The town's people, in the order they came."""
    random = Random(f"{SEED}:people")
    arrivals = sorted(_arrival(random, months) for _ in range(count))
    return [_person(random, months, number, arrived) for number, arrived in enumerate(arrivals, 1)]


def _arrival(random: Random, months: Months) -> datetime:
    """A fifth were there from the first weeks; the rest came ever faster."""
    share = random.random() * 0.04 if random.random() < 0.2 else random.random() ** 0.8
    day = months.start + timedelta(days=int(share * (DAYS - 1)))
    return datetime.combine(day, time(10 + random.randrange(9), random.randrange(60), random.randrange(60)))


def _person(random: Random, months: Months, number: int, arrived: datetime) -> Person:
    language, gender = names.pick_language(random), random.choices(("female", "male"), (68, 32))[0]
    habit = random.choices(list(HABITS), [share for share, _, _ in HABITS.values()])[0]
    name = names.pick_name(random, language, gender)
    person = Person(
        ref=f"M{number:05d}", name=name, language=language, gender=gender, habit=habit, arrived=arrived,
        store=random.choices(list(STORES), list(STORES.values()))[0],
        taste=random.choices(list(TASTES), list(TASTES.values()))[0],
        user_id=f"U{random.getrandbits(128):032x}",
    )  # fmt: skip
    _befriend(person, random, number, months)
    _leave(person, random, months)
    return person


def _befriend(person: Person, random: Random, number: int, months: Months) -> None:
    """Most are friends and members; some only one of the two."""
    kind = random.random()
    if kind < 0.12:  # signed up at the counter, without LINE
        person.user_id, person.joined = None, person.arrived
    else:
        person.followed = person.arrived
        if kind > 0.22 or person.habit in {"devoted", "loyal"}:
            person.joined = person.arrived + timedelta(minutes=random.choice((2, 3, 5, 9, 2000, 9000)))
    if person.joined is None or person.joined >= months.end:
        person.joined = None
        person.habit = "never"
        return
    person.phone = names.phone_of(number)
    if random.random() < 0.6:
        person.email = names.mail_of(person.name, number, random)
    if random.random() < 0.8:
        person.birth = date(random.randrange(1955, 2006), 1, 1) + timedelta(days=random.randrange(365))
    person.consent = random.random() < 0.9


def _leave(person: Person, random: Random, months: Months) -> None:
    """When they stop caring, and whether they then block us or refuse messages."""
    if not LEAVING[person.habit]:
        return
    left = person.arrived + timedelta(days=14 + random.expovariate(LEAVING[person.habit]))
    fate = random.random()
    if left >= months.end - timedelta(days=1):
        return
    person.left = left
    if person.followed and fate < 0.3:
        person.blocked = left
    elif person.joined and person.consent and fate < 0.36:
        person.consent, person.refused = False, max(left, person.joined)
