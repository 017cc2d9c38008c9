"""Who would move by other thresholds, and what it costs: the counts are the people, and nothing is written."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.operations import programme, raising, tiering
from domain.reports import tier_what_if
from models.member import Member
from models.programme import Tier, TierLine
from tests.domain.operations.test_programme import preset
from tests.domain.operations.test_tiering import buy
from tests.support.factories import make_member
from tests.support.moments import NOW

SPENT = {"a": (12_500, "silver"), "b": (14_999, "silver"), "c": (11_999, "silver"), "d": (16_000, "gold"),
         "e": (13_000, "general"), "f": (2_000, "gold")}  # fmt: skip


@pytest.fixture
def people(session: Session) -> dict[int, str]:
    data: Any = preset()
    data["points"] = {"per": 100, "since": "2020-01-01", "times": [{"key": "always", "times": 2, "tiers": ["gold"]}]}
    data["coupons"][0]["cost"] = 30
    data["automations"].append({
        "key": "gold_gift", "name": {"en": "Gold"}, "kind": "service",
        "trigger": {"on": "tier_reached", "tiers": ["gold"]},
        "actions": [{"do": "grant", "benefit": {"coupon": data["coupons"][0]["key"]}}],
    })  # fmt: skip
    programme.apply(session, programme.read(data), by="test", now=NOW - timedelta(days=30))
    tiers = {tier.key: tier for tier in session.scalars(select(Tier))}
    named = {}
    for name, (amount, tier) in SPENT.items():
        member = make_member(session, tier_id=tiers[tier].id)
        buy(session, member, NOW - timedelta(days=40), amount)
        named[member.id] = name
    return named


def shifts(found: list[tier_what_if.Shift]) -> dict[tuple[str, str], int]:
    return {(each.from_tier.key, each.to_tier.key): each.people for each in found}


def test_a_lower_threshold_raises_whoever_reaches_it(session: Session, people: dict[int, str]) -> None:
    found = tier_what_if.what_if(session, {"gold": 12_000}, now=NOW)
    assert shifts(found.rises) == {("silver", "gold"): 2, ("general", "gold"): 1}
    assert found.lapses == []
    ids = tier_what_if.people(session, {"gold": 12_000}, from_tier="silver", to_tier="gold", now=NOW)
    assert {people[each] for each in session.scalars(ids)} == {"a", "b"}
    assert session.scalar(select(func.count()).select_from(TierLine)) == 0


def test_what_it_costs_and_brings_in_points(session: Session, people: dict[int, str]) -> None:
    found = tier_what_if.what_if(session, {"gold": 12_000}, now=NOW)
    gold = next(gift for gift in found.gifts if gift.automation.key == "gold_gift")
    assert (gold.people, gold.cost) == (3, 90)
    shipping = next(gift for gift in found.gifts if gift.automation.key == "tier_gift")
    assert (shipping.people, shipping.cost) == (3, None)
    assert found.cost == 90
    assert found.extra_points == round((12_500 + 14_999 + 13_000) / 100)  # double instead of single


def test_a_higher_threshold_lapses_whoever_no_longer_reaches_it(session: Session, people: dict[int, str]) -> None:
    found = tier_what_if.what_if(session, {"gold": 20_000}, now=NOW)
    assert shifts(found.lapses) == {("gold", "silver"): 1}  # not f, who would lapse by the old one too
    ids = tier_what_if.people(session, {"gold": 20_000}, from_tier="gold", to_tier="silver", now=NOW)
    assert {people[each] for each in session.scalars(ids)} == {"d"}


def test_who_was_said_to_rise_is_who_rises(session: Session, people: dict[int, str]) -> None:
    tiering.settle(session, list(people), now=NOW)
    found = tier_what_if.what_if(session, {"gold": 12_000}, now=NOW)
    data: Any = programme.export(session)
    data["tiers"][2]["threshold"] = 12_000
    programme.apply(session, programme.read(data), by="test", now=NOW)
    before = {row.id: row.tier_id for row in session.execute(select(Member.id, Member.tier_id))}
    tiering.settle(session, raising.standing_low(session, now=NOW), now=NOW)
    after = {row.id: row.tier_id for row in session.execute(select(Member.id, Member.tier_id))}
    assert sum(before[each] != after[each] for each in before) == sum(shift.people for shift in found.rises) > 0
