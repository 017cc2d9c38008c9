"""A coupon's own terms at the counter: the day, the store, the bill and the person, in words staff can act on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from domain.errors import Conflict, Gone, Invalid, NotAllowed
from domain.operations import claiming, redeeming
from models.benefit import CouponClaim
from models.member import Member
from tests.support.factories import make_coupon, make_member, make_purchase, make_store

WEDNESDAY = datetime(2026, 6, 3, 4, 0, tzinfo=UTC)
SATURDAY = datetime(2026, 6, 6, 4, 0, tzinfo=UTC)


def claim_of(session: Session, now: datetime, **fields: Any) -> CouponClaim:
    return claiming.claim(session, make_member(session), make_coupon(session, **fields).key, now=now)


def use(session: Session, claim: CouponClaim, now: datetime, **more: Any) -> CouponClaim:
    return redeeming.redeem(
        session, claim.ref, **{"staff_id": None, "store_id": None, "language": "en", **more}, now=now
    )


def test_a_weekend_coupon_says_from_which_day(session: Session) -> None:
    claim = claim_of(session, WEDNESDAY, weekdays=[6, 7])
    with pytest.raises(Conflict, match=r"on Saturday and Sunday only\. Use it from Sat 6 Jun on"):
        use(session, claim, WEDNESDAY)
    assert use(session, claim, SATURDAY).redeemed_at == SATURDAY


def test_the_day_is_the_stores_own(session: Session) -> None:
    """Friday 16:30 in UTC is Saturday half past midnight in Taipei."""
    late = datetime(2026, 6, 5, 16, 30, tzinfo=UTC)
    claim = claim_of(session, WEDNESDAY, weekdays=[6])
    with pytest.raises(Conflict):
        use(session, claim, late - timedelta(hours=1))
    assert use(session, claim, late).redeemed_at == late


def test_when_no_such_day_is_left_that_is_said(session: Session) -> None:
    claim = claim_of(session, WEDNESDAY, weekdays=[2], valid_days=3)
    with pytest.raises(Gone, match="none is left before it ends"):
        use(session, claim, WEDNESDAY)


def test_a_coupon_that_begins_later_counts_its_days_from_then(session: Session) -> None:
    claim = claim_of(session, WEDNESDAY, use_from=SATURDAY, valid_days=7)
    with pytest.raises(Conflict, match=r"begins later\. Use it from Sat 6 Jun on"):
        use(session, claim, WEDNESDAY)
    assert claim.expires_at == datetime(2026, 6, 13, 15, 59, 59, tzinfo=UTC)
    assert use(session, claim, SATURDAY).redeemed_at == SATURDAY


def test_elsewhere_it_says_where(session: Session) -> None:
    daan, other = make_store(session, name="Da'an"), make_store(session, name="Xinyi")
    claim = claim_of(session, WEDNESDAY, stores=[daan.key])
    with pytest.raises(Conflict, match="good at Da'an only"):
        use(session, claim, WEDNESDAY, store_id=other.id)
    assert use(session, claim, WEDNESDAY, store_id=daan.id).store_id == daan.id


def test_a_small_bill_says_what_is_missing(session: Session) -> None:
    claim = claim_of(session, WEDNESDAY, min_spend=500)
    with pytest.raises(Invalid, match=r"needs a bill of NT\$ 500"):
        use(session, claim, WEDNESDAY)
    with pytest.raises(Conflict, match=r"NT\$ 120 are missing to NT\$ 500"):
        use(session, claim, WEDNESDAY, amount=380)
    assert use(session, claim, WEDNESDAY, amount=500).redeemed_at == WEDNESDAY


def test_a_recorded_order_of_theirs_is_the_bill(session: Session) -> None:
    claim = claim_of(session, WEDNESDAY, min_spend=500)
    stranger = make_purchase(session, make_member(session), paid_at=WEDNESDAY, amount=900)
    with pytest.raises(Invalid):
        use(session, claim, WEDNESDAY, order_ref=stranger.order_ref)
    own = make_purchase(session, session.get_one(Member, claim.member_id), paid_at=WEDNESDAY, amount=600)
    assert use(session, claim, WEDNESDAY, order_ref=own.order_ref).order_ref == own.order_ref


def test_a_coupon_for_some_asks_again_at_the_counter(session: Session) -> None:
    claim = claim_of(session, WEDNESDAY, use_rule={"condition": "bought", "times": 1})
    with pytest.raises(NotAllowed, match="for members who"):
        use(session, claim, WEDNESDAY)


def test_the_terms_are_those_of_the_claim_not_of_today(session: Session) -> None:
    claim = claim_of(session, WEDNESDAY, weekdays=[6])
    claim.coupon.weekdays, claim.coupon.terms_version = [], 2
    session.flush()
    with pytest.raises(Conflict):
        use(session, claim, WEDNESDAY)


def test_for_some_claiming_opens_a_day_sooner(session: Session) -> None:
    coupon = make_coupon(
        session, claim_from=SATURDAY, early=[{"rule": {"condition": "bought", "times": 1}, "hours": 24}]
    )
    regular, other = make_member(session), make_member(session)
    make_purchase(session, regular, paid_at=WEDNESDAY, amount=100)
    friday = SATURDAY - timedelta(hours=24)
    with pytest.raises(Conflict, match="It opens Fri 5 Jun"):
        claiming.claim(session, regular, coupon.key, language="en", now=friday - timedelta(minutes=1))
    with pytest.raises(Conflict, match="It opens Sat 6 Jun"):
        claiming.claim(session, other, coupon.key, language="en", now=friday)
    assert claiming.claim(session, regular, coupon.key, now=friday).member_id == regular.id
