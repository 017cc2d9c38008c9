"""Giving benefits: once for each cause, whatever kind."""

from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.operations import granting
from models.benefit import CouponClaim
from models.points import PointLine
from models.programme import Tier
from tests.support.factories import make_coupon, make_member


def test_a_coupon_is_granted_once_for_its_cause(session: Session, now: datetime) -> None:
    member, coupon = make_member(session), make_coupon(session, claimable=False)

    first = granting.grant(session, member_id=member.id, benefit={"coupon": coupon.key}, cause="birthday:2026", now=now)
    again = granting.grant(session, member_id=member.id, benefit={"coupon": coupon.key}, cause="birthday:2026", now=now)

    session.refresh(coupon)
    assert isinstance(first, CouponClaim)
    assert (again, coupon.issued) == (None, 1)


def test_points_are_granted_once_for_their_cause(session: Session, now: datetime) -> None:
    member = make_member(session)
    for _ in range(2):
        granting.grant(session, member_id=member.id, benefit={"points": 50}, cause="welcome", now=now)
    assert session.scalar(select(func.sum(PointLine.points)).where(PointLine.member_id == member.id)) == 50


def test_a_tier_floor_raises_the_member(session: Session, now: datetime) -> None:
    session.add_all([Tier(key="basic", rank=0), Tier(key="silver", rank=1, threshold=5000)])
    session.flush()
    member = make_member(session)

    granting.grant(session, member_id=member.id, benefit={"tier_floor": {"tier": "silver"}}, cause="referral", now=now)

    session.refresh(member)
    tier = session.get_one(Tier, member.tier_id)
    assert tier.key == "silver"


def test_a_grant_without_stock_is_refused_and_leaves_nothing(session: Session, now: datetime) -> None:
    member, coupon = make_member(session), make_coupon(session, stock=0)
    with pytest.raises(Conflict):
        granting.grant(session, member_id=member.id, benefit={"coupon": coupon.key}, cause="x", now=now)
    assert session.scalar(select(func.count(CouponClaim.id)).where(CouponClaim.coupon_id == coupon.id)) == 0


def test_an_unknown_benefit_is_refused(session: Session, now: datetime) -> None:
    with pytest.raises(ValueError, match="not a benefit"):
        granting.grant(session, member_id=make_member(session).id, benefit={"car": 1}, cause="x", now=now)
