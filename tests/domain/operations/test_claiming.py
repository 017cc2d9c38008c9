"""Claiming coupons: once in hand, within stock and window, and in words why not."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Refusal
from domain.operations import claiming, redeeming
from domain.operations.converting import Trace
from models.benefit import CouponClaim
from models.event import Event
from models.member import Member
from tests.support.factories import make_coupon, make_member


def refusal(session: Session, member: Member, key: str, now: datetime) -> Refusal:
    with pytest.raises(Refusal) as refused:
        claiming.claim(session, member, key, now=now)
    return refused.value


def test_a_claim_is_in_hand_once_and_traced_to_its_send(session: Session, now: datetime) -> None:
    member, coupon = make_member(session), make_coupon(session, stock=10)

    first = claiming.claim(session, member, coupon.key, trace=Trace(message_id=9), now=now)
    again = claiming.claim(session, member, coupon.key, now=now)

    session.refresh(coupon)
    assert (again.id, coupon.issued) == (first.id, 1)
    events = session.scalars(select(Event).where(Event.member_id == member.id, Event.object == f"coupon:{coupon.key}"))
    traced = {event.kind: event.message_id for event in events}
    assert traced == {"coupon_claimed": 9, "conversion_started": 9, "conversion_completed": 9}


def test_seven_days_end_at_the_last_second_of_the_seventh_day(session: Session) -> None:
    """Definitions §7: issued 6/1 10:00, "7 days" ends 6/8 23:59:59 local."""
    issued = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
    made = claiming.claim(session, make_member(session), make_coupon(session, valid_days=7).key, now=issued)
    assert made.expires_at == datetime(2026, 6, 8, 15, 59, 59, tzinfo=UTC)
    assert made.is_live(made.expires_at)
    assert not made.is_live(made.expires_at + timedelta(seconds=1))


def test_a_claim_never_outlives_the_coupon(session: Session, now: datetime) -> None:
    coupon = make_coupon(session, valid_days=30, use_until=now + timedelta(days=2))
    assert claiming.claim(session, make_member(session), coupon.key, now=now).expires_at == now + timedelta(days=2)


def test_terms_are_copied_when_issued(session: Session, now: datetime) -> None:
    coupon = make_coupon(session, value=100)
    made = claiming.claim(session, make_member(session), coupon.key, now=now)
    coupon.value, coupon.terms_version = 10, 2
    session.flush()
    assert (made.terms["value"], made.terms_version) == (100, 1)


def test_stock_runs_out(session: Session, now: datetime) -> None:
    coupon = make_coupon(session, stock=1)
    claiming.claim(session, make_member(session), coupon.key, now=now)
    session.refresh(coupon)

    assert refusal(session, make_member(session), coupon.key, now).code == "sold_out"
    assert session.scalar(select(func.count(CouponClaim.id)).where(CouponClaim.coupon_id == coupon.id)) == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"claim_from": timedelta(days=1)}, "not_yet"),
        ({"claim_until": timedelta(days=-1)}, "coupon_ended"),
        ({"use_until": timedelta(days=-1)}, "coupon_ended"),
    ],
)
def test_outside_its_window_a_coupon_says_when(
    session: Session, now: datetime, fields: dict[str, timedelta], code: str
) -> None:
    coupon = make_coupon(session, **{name: now + delta for name, delta in fields.items()})
    assert refusal(session, make_member(session), coupon.key, now).code == code


def test_a_used_coupon_is_not_given_twice(session: Session, now: datetime) -> None:
    member, coupon = make_member(session), make_coupon(session)
    made = claiming.claim(session, member, coupon.key, now=now)
    redeeming.redeem(session, made.ref, staff_id=None, store_id=None, now=now)

    assert refusal(session, member, coupon.key, now).code == "had_already"


def test_a_coupon_of_two_gives_the_second_once_the_first_is_used(session: Session, now: datetime) -> None:
    member, coupon = make_member(session), make_coupon(session, per_person=2)
    first = claiming.claim(session, member, coupon.key, now=now)
    redeeming.redeem(session, first.ref, staff_id=None, store_id=None, now=now)

    assert claiming.claim(session, member, coupon.key, now=now).ref != first.ref


def test_a_coupon_for_some_says_for_whom(session: Session, now: datetime) -> None:
    coupon = make_coupon(session, rule={"any": []})
    refused = refusal(session, make_member(session), coupon.key, now)
    assert refused.code == "not_eligible"
    assert "nobody" in str(refused)


def test_offers_lists_the_claimable_first_and_each_other_with_its_why_not(session: Session, now: datetime) -> None:
    member = make_member(session)
    later = make_coupon(session, claim_from=now + timedelta(days=1))
    gone = make_coupon(session, claim_until=now - timedelta(days=1))
    free, mine = make_coupon(session), make_coupon(session)
    claiming.claim(session, member, mine.key, now=now)

    shown = claiming.offers(session, member, now=now)

    codes = {offer.coupon.key: offer.refusal.code if offer.refusal else None for offer in shown}
    assert codes == {free.key: None, later.key: "not_yet"}
    assert gone.key not in codes
    assert shown[0].coupon.key == free.key


def test_unregistered_people_see_that_coupons_are_for_members(session: Session, now: datetime) -> None:
    person = make_member(session, registered=False)
    make_coupon(session)
    assert [offer.refusal.code for offer in claiming.offers(session, person, now=now) if offer.refusal] == [
        "not_registered"
    ]
