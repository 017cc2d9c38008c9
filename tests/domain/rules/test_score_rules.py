"""Conditions about scores: each finds exactly the people the night put there, and says so."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.rules import compile_rule, context_of, describe, sentence, validate
from models.member import Member
from models.programme import the_brand
from models.score import MemberForecast, MemberScore
from tests.support.factories import make_member
from tests.support.moments import NOW

TODAY = NOW.date()


def people(session: Session, rule: dict[str, Any]) -> set[int]:
    return set(session.scalars(select(Member.id).where(compile_rule(validate(rule), context_of(session, NOW)))))


def scored(session: Session, **columns: Any) -> int:
    member = make_member(session)
    session.add(MemberScore(**{"member_id": member.id, "as_of": TODAY, "purchase_days": 1, **columns}))
    session.flush()
    return member.id


def forecast(session: Session, **columns: Any) -> int:
    id = scored(session)
    session.add(MemberForecast(member_id=id, as_of=TODAY, **columns))
    session.flush()
    return id


@pytest.mark.parametrize(
    ("condition", "parameter", "column", "value", "other"),
    [
        ("churn_band", "bands", "churn_band", "high", "low"),
        ("churn_band", "bands", "churn_band", "recent_30", "older"),
        ("clv_band", "bands", "clv_band", "A", "C"),
        ("likely_again", "bands", "likely_again_band", "likely", "usual"),
    ],
)
def test_bands_of_the_models(
    session: Session, condition: str, parameter: str, column: str, value: str, other: str
) -> None:
    wanted, another, nothing = (
        forecast(session, **{column: value}),
        forecast(session, **{column: other}),
        scored(session),
    )
    rule = {"condition": condition, parameter: [value]}
    assert people(session, rule) == {wanted}
    assert {another, nothing} <= people(session, {"not": rule})
    assert sentence(rule, "en")


def test_who_never_bought_is_a_band_of_its_own(session: Session) -> None:
    never, high = scored(session, purchase_days=0), forecast(session, churn_band="high")
    assert people(session, {"condition": "churn_band", "bands": ["never"]}) == {never}
    assert people(session, {"condition": "churn_band", "bands": ["never", "high"]}) == {never, high}


@pytest.mark.parametrize(
    ("since", "state"),
    [(0, "early"), (31, "early"), (32, "due"), (39, "due"), (40, "late"), (80, "late"), (81, "very_late")],
)
def test_early_due_or_late_in_their_own_rhythm(session: Session, since: int, state: str) -> None:
    from domain.scores.purchase_clock import STATES, state_of

    member = scored(session, last_day=TODAY - timedelta(days=since), cycle_days=40)
    without = scored(session, last_day=TODAY - timedelta(days=since))
    for each in STATES:
        found = people(session, {"condition": "cycle_is", "states": [each]})
        assert (member in found, without in found) == (each == state, False)
    assert state_of(TODAY - timedelta(days=since), 40, TODAY) == state


def test_how_far_and_the_other_life_cycle(session: Session) -> None:
    carted, lapsed = scored(session, funnel_stage="cart"), scored(session, napl_purchases="L", napl="A")
    assert people(session, {"condition": "funnel_stage", "stages": ["cart", "order"]}) == {carted}
    assert people(session, {"condition": "napl_purchases_is", "states": ["L"]}) == {lapsed}
    assert people(session, {"condition": "napl_is", "states": ["L"]}) == set()


def test_a_preferred_category_is_one_of_the_favourites(session: Session) -> None:
    often = scored(session, affinity=[["cups", 5], ["茶", 3]])
    once = scored(session, affinity=[["茶", 1]])
    scored(session, affinity=[["bags", 9]])
    assert people(session, {"condition": "prefers_category", "categories": ["茶"]}) == {often}
    assert people(session, {"condition": "prefers_category", "categories": ["茶"], "days": 1}) == {often, once}
    assert people(session, {"condition": "prefers_category", "categories": ["茶"], "days": 4}) == set()


def test_the_rfm_group_is_the_one_the_brand_goes_by(session: Session) -> None:
    one = scored(session, rfm_group="vip", quintile_group="asleep")
    alone = scored(session, rfm_group="asleep")
    rule = {"condition": "rfm_group", "groups": ["asleep"]}
    assert people(session, rule) == {alone}
    the_brand(session).rfm_by = "quintiles"
    assert people(session, rule) == {one, alone}  # without quintiles the thresholds hold


def test_the_new_conditions_are_in_the_builder() -> None:
    names = {condition.name for condition in describe()}
    assert {"churn_band", "clv_band", "cycle_is", "likely_again", "funnel_stage", "prefers_category"} <= names
