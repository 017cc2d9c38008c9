"""Random rules over a small town: the database counts whom plain Python counts, on both databases."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.recording import record
from domain.rules import compile_rule, context_of, sentence, validate
from models.member import Member
from models.programme import MemberTag
from tests.support.factories import make_member, make_purchase, make_tag
from tests.support.moments import NOW

TREES = 250


@dataclass
class Person:
    """What plain Python knows of one person."""

    id: int
    following: bool | None
    language: str | None
    consent: bool | None
    birth_month: int | None
    birth: date | None
    joined: date | None
    gender: str | None
    tags: set[str] = field(default_factory=set)
    orders: list[tuple[date, int]] = field(default_factory=list)
    did: list[tuple[date, str]] = field(default_factory=list)


def make_town(session: Session, dice: random.Random) -> list[Person]:
    day_of = calendar_of(session).day_of
    tags = {key: make_tag(session, key) for key in ("a", "b", "c")}
    return [_make_person(session, dice, tags, day_of) for _ in range(40)]


def _make_person(
    session: Session, dice: random.Random, tags: dict[str, Any], day_of: Callable[[datetime], date]
) -> Person:
    registered = NOW - timedelta(days=dice.randrange(0, 60), hours=dice.randrange(24)) if dice.random() < 0.7 else None
    birth = (
        date(dice.randrange(1960, 2010), dice.randrange(1, 13), dice.randrange(1, 29)) if dice.random() < 0.6 else None
    )
    member = make_member(
        session, friend=dice.random() < 0.7, registered_at=registered, birth_date=birth,
        birth_month=birth.month if birth else None, language=dice.choice(["ja", "th", None]),
        marketing_consent=dice.choice([True, False, None]), gender=dice.choice(["f", "m", None]),
    )  # fmt: skip
    if member.friend:
        member.friend.is_following = dice.choice([True, True, False, None])
    person = Person(
        member.id, member.friend.is_following if member.friend else None, member.language, member.marketing_consent,
        member.birth_month, birth, day_of(registered) if registered else None, member.gender,
    )  # fmt: skip
    for key, tag in tags.items():
        fate = dice.choice(["live", "none", "expired", "removed"])
        if fate != "none":
            ends = {"live": NOW + timedelta(days=1), "expired": NOW, "removed": None}[fate]
            removed = NOW if fate == "removed" else None
            session.add(
                MemberTag(
                    member_id=member.id,
                    tag_id=tag.id,
                    assigned_at=NOW,
                    expires_at=ends,
                    removed_at=removed,
                    source="staff",
                )
            )
        if fate == "live":
            person.tags.add(key)
    for _ in range(dice.choice([0, 0, 1, 2, 4])):
        at = NOW - timedelta(days=dice.randrange(0, 50), hours=dice.randrange(24))
        amount = dice.choice([0, 100, 700, 1500])
        make_purchase(session, member, paid_at=at, amount=amount)
        if amount:
            person.orders.append((day_of(at), amount))
    for _ in range(dice.choice([0, 1, 3])):
        at, kind = NOW - timedelta(days=dice.randrange(0, 50)), dice.choice(["browsed", "texted"])
        record(session, kind, member_id=member.id, source="test", occurred_at=at, now=NOW)
        person.did.append((day_of(at), kind))
    session.flush()
    return person


def recent(day: date, today: date, days: int | None) -> bool:
    return days is None or today - timedelta(days=days) < day <= today


def age(birth: date, today: date) -> int:
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def holds(rule: dict, one: Person, today: date) -> bool:
    if "all" in rule:
        return all(holds(each, one, today) for each in rule["all"])
    if "any" in rule:
        return any(holds(each, one, today) for each in rule["any"])
    if "not" in rule:
        return not holds(rule["not"], one, today)
    return FACTS[rule["condition"]](rule, one, today)


def _compared(rule: dict, value: float | None, limit: float) -> bool:
    return value is not None and (value >= limit if rule["compare"] == "at_least" else value <= limit)


def _orders(rule: dict, one: Person, today: date) -> list[tuple[date, int]]:
    return [(day, amount) for day, amount in one.orders if recent(day, today, rule.get("days"))]


def _since_bought(one: Person, today: date) -> int | None:
    return min(((today - day).days for day, _ in one.orders), default=None)


def _times(rule: dict, one: Person, today: date) -> int:
    return sum(kind == rule["event"] and recent(day, today, rule.get("days")) for day, kind in one.did)


FACTS: dict[str, Callable[[dict, Person, date], bool]] = {
    "has_tag": lambda rule, one, today: rule["tag"] in one.tags,
    "spent": lambda rule, one, today: _compared(
        rule, sum(each for _, each in _orders(rule, one, today)), rule["amount"]
    ),
    "bought": lambda rule, one, today: len({day for day, _ in _orders(rule, one, today)}) >= rule["times"],
    "last_purchase": lambda rule, one, today: _compared(rule, _since_bought(one, today), rule["days"]),
    "did": lambda rule, one, today: _times(rule, one, today) >= rule["times"],
    "is_friend": lambda rule, one, today: one.following is True,
    "consented": lambda rule, one, today: one.consent is True,
    "language_is": lambda rule, one, today: one.language in rule["languages"],
    "gender_is": lambda rule, one, today: one.gender in rule["genders"],
    "birthday": lambda rule, one, today: one.birth_month == int(rule["month"]),
    "registered": lambda rule, one, today: one.joined is not None and recent(one.joined, today, rule.get("days")),
    "joined": lambda rule, one, today: (
        one.joined is not None and _compared(rule, (today - one.joined).days, rule["days"])
    ),
    "age": lambda rule, one, today: (
        one.birth is not None and rule["at_least"] <= age(one.birth, today) <= rule["at_most"]
    ),
}


def grow(dice: random.Random, depth: int = 0) -> dict:
    roll = dice.random()
    if depth < 4 and roll < 0.4:
        return {dice.choice(["all", "any"]): [grow(dice, depth + 1) for _ in range(dice.randrange(0, 4))]}
    if depth < 4 and roll < 0.55:
        return {"not": grow(dice, depth + 1)}
    compare = dice.choice(["at_least", "at_most"])
    days = dice.choice([1, 7, 30, 49])
    low = dice.randrange(0, 60)
    return dice.choice([
        {"condition": "has_tag", "tag": dice.choice("abc")},
        {"condition": "spent", "compare": compare, "amount": dice.choice([1, 700, 1500]), "days": days},
        {"condition": "bought", "times": dice.randrange(1, 4), "days": dice.choice([days, None])},
        {"condition": "last_purchase", "compare": compare, "days": days},
        {"condition": "did", "event": dice.choice(["browsed", "texted"]), "times": dice.randrange(1, 3), "days": days},
        {"condition": "is_friend"},
        {"condition": "consented"},
        {"condition": "language_is", "languages": dice.sample(["ja", "th", "en"], 2)},
        {"condition": "gender_is", "genders": ["f"]},
        {"condition": "birthday", "month": str(dice.randrange(1, 13))},
        {"condition": "registered", "days": dice.choice([days, None])},
        {"condition": "joined", "compare": compare, "days": days},
        {"condition": "age", "at_least": low, "at_most": low + dice.randrange(30)},
    ])  # fmt: skip


def test_random_rules_hold_for_whom_python_says(session: Session) -> None:
    dice = random.Random(20260310)
    town = make_town(session, dice)
    context = context_of(session, NOW)
    everyone = select(Member.id).where(Member.id.in_([one.id for one in town]))
    for _ in range(TREES):
        rule = grow(dice)
        query = everyone.where(compile_rule(validate(rule), context))
        expected = {one.id for one in town if holds(rule, one, context.today)}
        assert set(session.scalars(query)) == expected, rule
        assert sentence(rule, "en")


def test_narrowing_a_rule_to_some_people_changes_nothing_for_them(session: Session) -> None:
    dice = random.Random(7)
    town = make_town(session, dice)
    context = context_of(session, NOW)
    some = tuple(one.id for one in town[::3])
    for _ in range(60):
        rule = validate(grow(dice))
        wide = set(session.scalars(select(Member.id).where(Member.id.in_(some), compile_rule(rule, context))))
        narrow = compile_rule(rule, context.for_only(some))
        assert set(session.scalars(select(Member.id).where(Member.id.in_(some), narrow))) == wide, rule
