"""Taking a coupon back and giving it anew: with a reason, once, under the same terms."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Gone, Invalid
from domain.operations import claiming, coupon_codes, redeeming, voiding
from models.benefit import Coupon, CouponClaim
from models.staff import AuditLine
from tests.support.factories import make_coupon, make_member


def with_codes(session: Session, now: datetime, *codes: str) -> tuple[Coupon, CouponClaim]:
    coupon = make_coupon(session)
    coupon_codes.add(session, coupon, codes, staff_id=None, now=now)
    return coupon, claiming.claim(session, make_member(session), coupon.key, now=now)


def take_back(session: Session, claim: CouponClaim, now: datetime, *, puts_back: bool = False) -> CouponClaim:
    return voiding.void(session, claim.ref, reason="Sent by mistake", puts_back=puts_back, staff_id=None, now=now)


def test_what_is_taken_back_cannot_be_used_and_says_why(session: Session, now: datetime) -> None:
    _, claim = with_codes(session, now, "A1")
    voided = take_back(session, claim, now)
    assert (voided.voided_at, voided.void_reason) == (now, "Sent by mistake")
    with pytest.raises(Gone, match="withdrawn"):
        redeeming.redeem(session, claim.ref, staff_id=None, store_id=None, now=now)
    with pytest.raises(Conflict):
        take_back(session, claim, now)
    line = session.scalars(select(AuditLine).where(AuditLine.action == "voided_coupon")).one()
    assert line.data == {"reason": "Sent by mistake", "puts_back": False}


def test_without_a_reason_nothing_happens(session: Session, now: datetime) -> None:
    _, claim = with_codes(session, now, "A1")
    with pytest.raises(Invalid, match="say in a few words why"):
        voiding.void(session, claim.ref, reason="  ", puts_back=False, staff_id=None, now=now)
    assert claim.is_live(now)


def test_a_code_is_burnt_or_goes_to_the_next(session: Session, now: datetime) -> None:
    coupon, claim = with_codes(session, now, "A1", "A2")
    take_back(session, claim, now)
    assert coupon_codes.pool(session, coupon) == coupon_codes.Pool(free=1, taken=0, burnt=1)
    other = claiming.claim(session, make_member(session), coupon.key, now=now)
    take_back(session, other, now, puts_back=True)
    session.refresh(coupon)
    assert (coupon_codes.pool(session, coupon).free, coupon.issued) == (1, 1)
    again = claiming.claim(session, make_member(session), coupon.key, now=now)
    assert coupon_codes.codes_of(session, [again.id]) == {again.id: "A2"}


def test_a_new_one_has_the_old_terms_and_a_fresh_code_once(session: Session, now: datetime) -> None:
    coupon, claim = with_codes(session, now, "A1", "A2", "A3")
    coupon.value, coupon.terms_version = 5, 2
    session.flush()
    made = voiding.reissue(session, claim.ref, reason="Phone lost", staff_id=None, now=now)
    assert (made.terms["value"], made.terms_version, made.reissue_of_id) == (100, 1, claim.id)
    assert (made.expires_at, coupon_codes.codes_of(session, [made.id])) == (claim.expires_at, {made.id: "A2"})
    assert not redeeming.find(session, claim.ref).is_live(now)
    session.refresh(coupon)
    assert coupon.issued == 1
    with pytest.raises(Conflict, match="replaced before"):
        voiding.reissue(session, claim.ref, reason="Again", staff_id=None, now=now)
    assert redeeming.redeem(session, made.ref, staff_id=None, store_id=None, now=now).redeemed_at == now


def test_an_expired_one_is_good_for_as_long_again(session: Session, now: datetime) -> None:
    claim = claiming.claim(session, make_member(session), make_coupon(session, valid_days=7).key, now=now)
    later = now + timedelta(days=20)
    made = voiding.reissue(session, claim.ref, reason="We were closed", staff_id=None, now=later)
    assert made.expires_at == claim.expires_at + timedelta(days=20)  # type: ignore[operator]  # it has an end
    assert not redeeming.find(session, claim.ref).is_live(later)


def test_what_was_used_is_not_given_anew(session: Session, now: datetime) -> None:
    _, claim = with_codes(session, now, "A1", "A2")
    redeeming.redeem(session, claim.ref, staff_id=None, store_id=None, now=now)
    with pytest.raises(Conflict, match="was used"):
        voiding.reissue(session, claim.ref, reason="Please", staff_id=None, now=now)


def test_when_no_code_is_left_the_old_one_stays(session: Session, now: datetime) -> None:
    _, claim = with_codes(session, now, "A1")
    with pytest.raises(Conflict, match="no code is left"), session.begin_nested():
        voiding.reissue(session, claim.ref, reason="Phone lost", staff_id=None, now=now)
    assert redeeming.find(session, claim.ref).is_live(now)


def test_the_person_had_it_even_if_it_was_taken_back(session: Session, now: datetime) -> None:
    member, coupon = make_member(session), make_coupon(session)
    claim = claiming.claim(session, member, coupon.key, now=now)
    take_back(session, claim, now, puts_back=True)
    with pytest.raises(Conflict, match="had this coupon already"):
        claiming.claim(session, member, coupon.key, now=now)
