"""What people do of their own accord: follow, register, open the app, write, book, claim, answer, come by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from random import Random

from line.simulator.town.happenings import Happening
from line.simulator.town.people import Person
from line.simulator.town.shopping import Order
from line.simulator.town.stories import SEED, Months

# How many of each a day, for a town of 3,000, at its end; it began with a third of that.
A_DAY = {"opened_app": 15, "postback": 10, "texted": 3.5, "booking": 7.5, "coupon_claim": 5.0, "form": 2.4}
LIVELINESS = {"devoted": 5.0, "loyal": 4.0, "regular": 3.0, "occasional": 2.0, "once": 1.0, "never": 0.9}
PAGES = ("/card", "/card", "/book", "/coupons", "/news", "/tier")
SOURCES = ("instagram", "daan_counter", "calligraphy_counter", "shennong_counter")
FINISHED = {"booking": 0.72, "coupon_claim": 0.81, "form": 0.66}
Doing = Callable[[Person, datetime, Random, Months], Iterator[Happening]]


def arrivals(people: list[Person], months: Months) -> Iterator[Happening]:
    """Following, registering, agreeing, refusing, blocking."""
    random = Random(f"{SEED}:arrivals")
    for person in people:
        if person.followed:
            counter = f"{person.store}_counter" if random.random() < 0.7 else "instagram"
            yield Happening("followed", person.ref, person.followed, data={"entry_source": counter})
        if person.joined:
            yield from _registration(person, person.joined, random)
        elif person.followed and random.random() < 0.4:
            start = person.followed + timedelta(minutes=1)
            yield _step("started", person, start, "registration", "registration")
        if person.refused:
            yield Happening("refused", person.ref, person.refused, source="liff", data={"topic": "marketing"})
        if person.blocked:
            yield Happening("unfollowed", person.ref, person.blocked)


def _registration(person: Person, at: datetime, random: Random) -> Iterator[Happening]:
    method = "liff" if person.followed else "counter"
    if person.followed:
        start = at - timedelta(seconds=random.randrange(40, 118))
        yield _step("started", person, start, "registration", "registration")
        yield _step("completed", person, at, "registration", "registration")
    yield Happening("registered", person.ref, at, source=method, data={"method": method})
    if person.consent or person.refused:
        wording = "我願意收到山茶室的新品、活動與生日禮訊息。"
        data = {"topic": "marketing", "wording": wording}
        yield Happening("consented", person.ref, at, source=method, data=data)


def days_of_the_town(people: list[Person], months: Months) -> Iterator[Happening]:
    """Day by day, what the lively ones do."""
    random, size = Random(f"{SEED}:days"), len(people) / 3000
    doings: dict[str, Doing] = {
        "opened_app": _open_app, "postback": _press, "texted": _write,
        "booking": _book, "coupon_claim": _claim, "form": _answer,
    }  # fmt: skip
    crowd: list[Person] = []
    weights: list[float] = []
    for n in range((months.until - months.start).days):
        day = months.start + timedelta(days=n)
        if n % 7 == 0:
            crowd = [each for each in people if each.is_reachable(_noon(day)) and each.is_lively(_noon(day))]
            weights = list(accumulate(_liveliness(each, day, months) for each in crowd))
        for what, a_day in doings.items():
            times = 0 if months.is_silent(what, day) else _times(A_DAY[what] * size * (0.35 + 0.65 * n / 913), random)
            for person in random.choices(crowd, cum_weights=weights, k=times) if crowd else ():
                yield from a_day(person, _moment(day, random), random, months)


def _liveliness(person: Person, day: date, months: Months) -> float:
    if person.is_tainan_ware and _noon(day) >= months.drift_from:
        return LIVELINESS[person.habit] * 0.15
    return LIVELINESS[person.habit]


def _times(usual: float, random: Random) -> int:
    """About as many as usual; days differ."""
    return max(0, round(random.gauss(usual, usual**0.5)))


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12))


def _moment(day: date, random: Random) -> datetime:
    return datetime.combine(day, time(8)) + timedelta(seconds=random.randrange(13 * 3600))


def _open_app(person: Person, at: datetime, random: Random, months: Months) -> Iterator[Happening]:
    yield Happening("opened_app", person.ref, at, source="liff", data={"page": random.choice(PAGES)})


def _press(person: Person, at: datetime, random: Random, months: Months) -> Iterator[Happening]:
    yield Happening("postback", person.ref, at, data={"data": random.choice(("menu:card", "menu:news", "menu:tier"))})


def _write(person: Person, at: datetime, random: Random, months: Months) -> Iterator[Happening]:
    yield Happening("texted", person.ref, at)


def _book(person: Person, at: datetime, random: Random, months: Months) -> Iterator[Happening]:
    """Most bookings are kept, some taken back."""
    yield _step("started", person, at, "booking", "booking:visit")
    if person.joined is None or random.random() > FINISHED["booking"]:
        return
    done = at + timedelta(seconds=random.randrange(25, 400))
    yield _step("completed", person, done, "booking", "booking:visit")
    visit = datetime.combine(at.date() + timedelta(days=random.randrange(1, 6)), time(random.randrange(11, 19)))
    if visit >= months.end:
        return
    if random.random() < 0.09:
        yield _step("cancelled", person, done + (visit - done) / 2, "booking", "booking:visit")
    elif random.random() < 0.88:
        yield _visit(person, visit, "booking")


def _claim(person: Person, at: datetime, random: Random, months: Months) -> Iterator[Happening]:
    key = random.choice(("coupon:welcome_100", "coupon:tasting_tea", "coupon:gold_ware"))
    yield _step("started", person, at, "coupon_claim", key)
    if person.joined is None or random.random() > FINISHED["coupon_claim"]:
        return
    done = at + timedelta(seconds=random.randrange(8, 120))
    yield _step("completed", person, done, "coupon_claim", key)
    yield Happening("coupon_claimed", person.ref, done, source="liff", object=key)
    used = datetime.combine(at.date() + timedelta(days=random.randrange(1, 13)), time(random.randrange(11, 20)))
    if random.random() < 0.46 and used < months.end:
        yield Happening("coupon_redeemed", person.ref, used, source="staff", object=key)
        yield _visit(person, used, "redemption")


def _answer(person: Person, at: datetime, random: Random, months: Months) -> Iterator[Happening]:
    """Answers give the tags of the form, for good."""
    yield _step("started", person, at, "form", "form:taste")
    if person.joined is None or random.random() > FINISHED["form"] or at + timedelta(minutes=8) >= months.end:
        return
    done = at + timedelta(seconds=random.randrange(40, 420))
    aroma = random.choice(("light", "roasted"))
    score = random.choices((10, 9, 8, 7, 6, 4), (30, 26, 20, 12, 7, 5))[0]
    answers = {"aroma": aroma, "recommend": score}
    yield _step("completed", person, done, "form", "form:taste")
    yield Happening("answered", person.ref, done, "liff", object="taste", data={"score": score, "answers": answers})
    for key in (f"prefers_{aroma}", *(("gift_giver",) if random.random() < 0.3 else ())):
        person.tags.append((key, done, None))
        yield Happening("tagged", person.ref, done, source="form", object=key)


def shop_visits(orders: list[Order], people: list[Person]) -> Iterator[Happening]:
    """Members who show their code at the counter before they pay; some came for the first time by a friend."""
    random = Random(f"{SEED}:visits")
    members = {person.ref: person for person in people}
    for order in orders:
        if order.buyer and order.store and not order.refund_of and random.random() < 0.42:
            person = members[order.buyer]
            before = order.at - timedelta(minutes=random.randrange(1, 4))
            yield Happening("visited", person.ref, max(before, person.arrived), "staff", object=order.store,
                            data={"store": order.store, "how": "check_in"})  # fmt: skip
    joined = [person for person in people if person.joined]
    for newcomer in random.sample(joined, len(joined) // 14):
        friend = random.choice(joined)
        if newcomer.joined and friend.joined and friend.joined < newcomer.joined and friend is not newcomer:
            yield Happening("referred", friend.ref, newcomer.joined, "liff", object=newcomer.ref)


def _visit(person: Person, at: datetime, how: str) -> Happening:
    return Happening(
        "visited", person.ref, at, source="staff", object=person.store, data={"store": person.store, "how": how}
    )


def _step(what: str, person: Person, at: datetime, type: str, object: str) -> Happening:
    return Happening(f"conversion_{what}", person.ref, at, source="liff", object=object, data={"type": type})
