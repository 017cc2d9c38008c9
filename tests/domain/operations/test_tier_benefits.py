"""Tiers act (M68, M69, M75): reaching one brings its gift, coming near the next one a word and a task."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import automating, tiering
from models.automation import Automation
from models.benefit import Coupon, CouponClaim
from models.member import Member
from models.outbox import OutgoingMessage
from models.programme import Tier
from tests.domain.operations.test_automating import brand, local, run  # noqa: F401 - a fixture
from tests.domain.operations.test_tiering import buy
from tests.support.factories import make_member


def held(session: Session, member: Member) -> list[str]:
    mine = select(Coupon.key).join(CouponClaim, CouponClaim.coupon_id == Coupon.id)
    return sorted(session.scalars(mine.where(CouponClaim.member_id == member.id)))


@pytest.fixture
def member(session: Session, brand: None) -> Member:  # noqa: F811
    made = make_member(session, registered_at=local(session, date(2026, 1, 2)))
    tiering.settle(session, [made.id], now=local(session, date(2026, 1, 2)))
    return made


def spend(session: Session, member: Member, day: date, amount: int, *, is_history: bool = False) -> None:
    now = local(session, day)
    buy(session, member, now, amount)
    tiering.settle(session, [member.id], is_history=is_history, now=now)
    run(session, now + timedelta(minutes=1))


def test_each_tier_reached_brings_its_coupon_once(session: Session, member: Member) -> None:
    spend(session, member, date(2026, 2, 1), 5_000)
    run(session, local(session, date(2026, 2, 2)))
    assert held(session, member) == ["free_shipping"]
    spend(session, member, date(2026, 3, 1), 10_000)
    run(session, local(session, date(2026, 3, 2)))
    assert held(session, member) == ["free_shipping", "free_shipping"]


def test_what_a_file_tells_brings_nothing(session: Session, member: Member) -> None:
    spend(session, member, date(2026, 2, 1), 5_000, is_history=True)
    assert session.get_one(Tier, member.tier_id).key == "silver"
    assert held(session, member) == []


def test_a_tier_set_by_hand_is_a_tier_reached_and_one_already_held_is_not(session: Session, member: Member) -> None:
    tiers = {tier.key: tier for tier in session.scalars(select(Tier))}
    now = local(session, date(2026, 2, 1))
    for key in ("gold", "silver"):
        tiering.grant_floor(
            session, member.id, tier=tiers[key], until=date(2027, 2, 1), reason="by_hand", cause=f"hand:{key}", now=now
        )
    run(session, now + timedelta(minutes=1))
    assert held(session, member) == ["free_shipping"]


def test_renewing_counts_where_the_automation_says_so(session: Session, member: Member) -> None:
    gift = session.scalars(select(Automation).where(Automation.key == "tier_gift")).one()
    gift.trigger = {**gift.trigger, "including_renewed": True}
    spend(session, member, date(2026, 2, 1), 5_000)
    spend(session, member, date(2027, 2, 10), 5_000)
    tiering.settle(session, [member.id], now=local(session, date(2027, 3, 1)))
    automating.enrol(session, gift, now=local(session, date(2027, 3, 1), 13))
    automating.act(session, now=local(session, date(2027, 3, 1), 13))
    assert held(session, member).count("free_shipping") == 2


def test_coming_near_brings_a_word_and_a_task(session: Session, member: Member) -> None:
    spend(session, member, date(2026, 2, 1), 3_900)
    run(session, local(session, date(2026, 2, 2)))
    assert held(session, member) == []
    spend(session, member, date(2026, 2, 3), 200)
    run(session, local(session, date(2026, 2, 4)))
    assert held(session, member) == ["upgrade_task"]
    names = session.scalars(select(OutgoingMessage.name).where(OutgoingMessage.member_id == member.id)).all()
    assert "near_tier" in names
