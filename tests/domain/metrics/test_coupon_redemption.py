"""Used ÷ claimed, of what is used or ended; what is open waits, what was taken back is out."""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import claiming, converting, redeeming, voiding
from domain.reports import coupon_figures
from models.benefit import Coupon
from tests.support.factories import make_coupon, make_member, make_store
from tests.support.journey import figure, local, share

ISSUED = date(2026, 2, 10)


def lives(session: Session, coupon: Coupon, *, used: int, ended: int, open: int, at: datetime) -> None:
    """Claims of as many people: used the next day, ended after three days, or good for long."""
    for n in range(used + ended + open):
        coupon.valid_days = 3 if n < used + ended else 300
        claim = claiming.claim(session, make_member(session, friend=False), coupon.key, now=at)
        if n < used:
            redeeming.redeem(session, claim.ref, staff_id=None, store_id=None, now=at + timedelta(days=1))


def test_EX_22_open_coupons_wait(session: Session) -> None:
    """200 people saw it, 120 claimed it; 45 used it, 35 let it end, 40 still have it."""
    coupon, at = make_coupon(session), local(session, ISSUED)
    lives(session, coupon, used=45, ended=35, open=40, at=at)
    for _ in range(80):
        member = make_member(session, friend=False)
        converting.start(
            session, member_id=member.id, type="coupon_claim", object=f"coupon:{coupon.key}", source="liff", now=at
        )
    later = at + timedelta(days=20)
    claims = coupon_figures.of_coupon(session, coupon, now=later)
    assert (claims.claimed, claims.used, claims.ended, claims.open) == (120, 45, 35, 40)
    assert claims.rate == 45 / 80
    assert coupon_figures.offered(session, coupon, now=later) == 200
    found = figure(session, "coupon_redemption", "2026-02", as_of=later)
    assert (share(found), found.asides["pending"]) == ((45, 80), 40)
    assert share(found.parts[coupon.key]) == (45, 80)
    assert len(session.execute(coupon_figures.offered_people(coupon, now=later)).all()) == 200
    assert len(session.scalars(coupon_figures.claimed_people(coupon, state="ended", now=later)).all()) == 35


def test_what_was_taken_back_counts_on_neither_side_and_its_replacement_does(session: Session) -> None:
    coupon, at = make_coupon(session), local(session, ISSUED)
    claim = claiming.claim(session, make_member(session), coupon.key, now=at)
    voiding.reissue(session, claim.ref, reason="Lost", staff_id=None, now=at + timedelta(hours=1))
    found = coupon_figures.of_coupon(session, coupon, now=at + timedelta(days=30))
    assert (found.claimed, found.ended) == (1, 1)


def test_a_figure_of_the_past_does_not_know_what_came_later(session: Session) -> None:
    coupon, at = make_coupon(session), local(session, ISSUED)
    lives(session, coupon, used=1, ended=0, open=0, at=at)
    before = coupon_figures.of_coupon(session, coupon, now=at + timedelta(hours=2))
    assert (before.used, before.open, before.rate) == (0, 1, None)


def test_where_it_was_used_and_who_holds_which_terms(session: Session) -> None:
    coupon, store, at = make_coupon(session), make_store(session, name="Da'an"), local(session, ISSUED)
    claims = [claiming.claim(session, make_member(session), coupon.key, now=at) for _ in range(3)]
    redeeming.redeem(session, claims[0].ref, staff_id=None, store_id=store.id, now=at)
    redeeming.redeem(session, claims[1].ref, staff_id=None, store_id=None, now=at)
    coupon.title, coupon.terms_version = {"en": "New words"}, 2
    session.flush()
    claiming.claim(session, make_member(session), coupon.key, now=at)
    assert sorted(coupon_figures.by_store(session, coupon, now=at), key=str) == [("Da'an", 1), (None, 1)]
    found = [(v.number, v.terms["title"]["en"], v.held, v.issued) for v in
             coupon_figures.versions(session, coupon, now=at)]  # fmt: skip
    assert found == [(2, "New words", 1, 1), (1, "NT$ 100 off", 1, 3)]


def test_by_segment_only_its_members_count(session: Session) -> None:
    coupon, at = make_coupon(session), local(session, ISSUED)
    lives(session, coupon, used=2, ended=1, open=0, at=at)
    woman = make_member(session, gender="female")
    claiming.claim(session, woman, coupon.key, now=at)
    rule = {"condition": "gender_is", "genders": ["female"]}
    found = coupon_figures.of_coupon(session, coupon, segment_rule=rule, now=at + timedelta(days=1))
    assert (found.claimed, found.open) == (1, 1)
    everyone = coupon_figures.by_coupon(session, now=at + timedelta(days=9))
    ids = session.scalars(select(Coupon.id).where(Coupon.key == coupon.key)).one()
    assert everyone[ids].claimed == 4
