"""How many people a rule speaks of, and whether what it names is in the file."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import rules
from domain.operations.programme.sections._section import Whole
from domain.operations.programme.sections._words import wrong
from models.member import Member

# What a condition may name that only the file can hold; stores and campaigns are made elsewhere too.
NAMED = {"tag": "tags", "tier": "tiers", "coupon": "coupons"}


def holding(session: Session, rule: dict[str, Any] | None, *, now: datetime) -> int:
    """How many people it holds for at `now`; nobody for no rule."""
    if rule is None:
        return 0
    people = select(func.count()).select_from(Member).where(rules.compile_rule(rule, rules.context_of(session, now)))
    return session.scalars(people).one()


def check_rule(where: str, rule: dict[str, Any] | None, whole: Whole) -> None:
    """Refuses a rule that names a tag, tier or coupon the file does not have."""
    for kind, key in _named(rule or {}):
        if key not in whole.keys(NAMED[kind]):
            wrong(where, f"there is no {kind} {key!r}")


def _named(rule: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for each in [*rule.get("all", []), *rule.get("any", []), *([rule["not"]] if "not" in rule else [])]:
        yield from _named(each)
    if "condition" in rule:
        for field in rules.conditions()[rule["condition"]].fields():
            named = rule.get(field.name)
            if field.pick in NAMED and named:
                yield from ((field.pick, key) for key in ([named] if isinstance(named, str) else named))
