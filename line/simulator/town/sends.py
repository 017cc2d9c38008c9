"""The brand's messages over the years: to whom, who was kept out and why, who answered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random

from line.simulator.town.happenings import Happening
from line.simulator.town.people import Person
from line.simulator.town.stories import CLEAR_GAP, SEED, Months

SEGMENTS = {"tea_lovers": "tea_lover", "ware_lovers": "ware_lover", "sweet_tooth": "sweet_tooth"}
ANSWERING = {"devoted": 2.2, "loyal": 1.7, "regular": 1.1, "occasional": 0.8, "once": 0.4, "never": 0.5}
HELD_OUT_PERCENT = 10


@dataclass(frozen=True)
class Send:
    """One message to many. `liked` is the segment it speaks to; only `to`, if given, gets it."""

    ref: str
    at: datetime
    liked: str
    rate: float
    others: float
    to: str = ""


# On the 3rd and the 11th of each month, in turn: name, the segment it speaks to, how they and others answer.
PLAN = (
    ("new-season-tea", "tea_lovers", 0.24, 0.15),
    ("kiln-opening", "ware_lovers", 0.26, 0.14),
    ("afternoon-sweets", "sweet_tooth", 0.22, 0.15),
    ("members-evening", "regulars", 0.25, 0.13),
)


def sends_of(months: Months) -> list[Send]:
    """Every message of the town, oldest first; the one with the clear gap is in the last closed month."""
    planned = []
    for n, month in enumerate(months.all()):
        for half, day in enumerate((3, 11) if n >= 15 else (3,)):
            name, liked, rate, others = PLAN[(2 * n + half) % len(PLAN)]
            to = liked if half and (n % 3 == 0) else ""
            if month == months.last_closed and not half:
                name, liked, rate, others, to = CLEAR_GAP, "tea_lovers", 0.38, 0.07, ""
            at = datetime.combine(month.replace(day=day), time(11, 30))
            if datetime.combine(months.start, time.min) + timedelta(days=20) < at < months.end - timedelta(days=4):
                planned.append(Send(f"{month:%Y-%m}-{name}", at, liked, rate, others, to))
    return planned


def send_all(people: list[Person], months: Months) -> Iterator[Happening]:
    random = Random(f"{SEED}:sends")
    for send in sends_of(months):
        for person in people:
            yield from _to(person, send, random, months)


def _to(person: Person, send: Send, random: Random, months: Months) -> Iterator[Happening]:
    if person.followed is None or person.followed > send.at:
        return
    segments = segments_of(person, send.at)
    if send.to and send.to not in segments:
        return
    # Only of the last half year is it remembered who was kept out.
    reason = _kept_out(person, send)
    about = {"segments": segments}
    if reason:
        if send.at > months.end - timedelta(days=182):
            yield Happening("withheld", person.ref, send.at, campaign=send.ref, data={**about, "reason": reason})
        return
    yield Happening("sent", person.ref, send.at, campaign=send.ref, data=about)
    if random.random() < _chance(person, send, segments, months):
        yield from _answer(person, send, random, months)


def segments_of(person: Person, at: datetime) -> list[str]:
    """The programme's segments, as they would have been frozen at the time."""
    found = [segment for segment, tag in SEGMENTS.items() if person.has_tag(tag, at)]
    year = [day for day in person.orders if at - timedelta(days=365) < day <= at]
    if len({day.date() for day in year}) >= 4 and year[-1] > at - timedelta(days=90):
        found.append("regulars")
    return found or ["others"]


def _kept_out(person: Person, send: Send) -> str:
    drawn = hashlib.sha256(f"{person.ref}:{send.ref}".encode()).digest()[0] * 100 // 256
    if drawn < HELD_OUT_PERCENT:
        return "held_out"
    if not person.is_reachable(send.at):
        return "blocked"
    has_refused = person.refused is not None and person.refused <= send.at
    return "opted_out" if person.consent is not True and (has_refused or person.refused is None) else ""


def _chance(person: Person, send: Send, segments: list[str], months: Months) -> float:
    chance = (send.rate if send.liked in segments else send.others) * ANSWERING[person.habit]
    if person.left and send.at >= person.left:
        chance *= 0.1
    if person.is_tainan_ware and send.at >= months.drift_from:
        chance *= 0.25
    return min(chance, 0.8)


def _answer(person: Person, send: Send, random: Random, months: Months) -> Iterator[Happening]:
    at = send.at + timedelta(minutes=random.expovariate(1 / 240) + 1)
    if at >= min(months.end, send.at + timedelta(hours=71)) or not person.is_reachable(at):
        return
    page = random.choice(("/book", "/coupons", "/news"))
    yield Happening("clicked", person.ref, at, campaign=send.ref, object=page, data={"url": page})
    if not months.is_silent("opened_app", at.date()):
        yield Happening("opened_app", person.ref, at + timedelta(seconds=2), "liff", send.ref, data={"page": page})
