"""Things done in an order nobody planned give nothing twice, sell no more than there is, and lose no reward."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.operations import booking, claiming, leaving, merging, missions, redeeming, settling, voiding
from domain.operations.recording import record
from models.benefit import Coupon, CouponClaim
from models.member import Member
from models.mission import Mission
from models.store import Booking, Slot
from tests.domain.operations.test_missions import DAY, buy, give_back, make_mission, rewards
from tests.support.factories import make_coupon, make_member, make_slot, make_store
from tests.support.moments import NOW

SOON = timedelta(seconds=30)


def live(session: Session, coupon: Coupon) -> int:
    unused = CouponClaim.coupon_id == coupon.id, CouponClaim.voided_at.is_(None)
    return session.scalar(select(func.count()).where(*unused)) or 0


def put_back(session: Session, coupon: Coupon) -> CouponClaim:
    claim = claiming.claim(session, make_member(session), coupon.key, now=NOW)
    return voiding.void(session, claim.ref, reason="mistake", puts_back=True, staff_id=None, now=NOW)


def test_what_was_put_back_and_went_to_another_is_not_given_anew(session: Session) -> None:
    coupon = make_coupon(session, stock=1)
    claim = put_back(session, coupon)
    claiming.claim(session, make_member(session), coupon.key, now=NOW)
    with pytest.raises(Conflict), session.begin_nested():
        voiding.reissue(session, claim.ref, reason="it was right", staff_id=None, now=NOW + SOON)
    assert live(session, coupon) == 1


def test_what_was_put_back_and_is_given_anew_is_counted_again(session: Session) -> None:
    coupon = make_coupon(session, stock=1)
    voiding.reissue(session, put_back(session, coupon).ref, reason="it was right", staff_id=None, now=NOW + SOON)
    session.refresh(coupon)
    assert (coupon.issued, live(session, coupon)) == (1, 1)


def test_a_second_tap_that_comes_after_the_first_was_used_brings_no_second_coupon(session: Session) -> None:
    """As seen by a tap that looked before the other one committed, and wrote after."""
    member, coupon = make_member(session), make_coupon(session)
    first = claiming.claim(session, member, coupon.key, now=NOW)
    redeeming.redeem(session, first.ref, staff_id=None, store_id=None, now=NOW)
    with pytest.raises(Conflict, match="had this coupon already"):
        claiming._take(session, member, coupon, n=1, source="liff", trace=claiming.NOWHERE, now=NOW)


def two_visits(session: Session) -> tuple[Mission, Member]:
    """Reached, and not yet looked at by the clock."""
    member, store = make_member(session), make_store(session)
    mission = make_mission(session, measure={"of": "visited", "by": "days"}, target=2)
    for n in range(2):
        record(session, "visited", member_id=member.id, source="staff", object=store.key, now=NOW + n * DAY)
    session.flush()
    return mission, member


def test_a_file_that_comes_before_the_clock_takes_nobodys_reward(session: Session) -> None:
    mission, member = two_visits(session)
    settling.settle(session, [member.id], is_history=True, now=NOW + DAY + SOON)
    assert rewards(session, mission) == 0
    missions.settle(session, [member.id], now=NOW + DAY + 2 * SOON)
    assert rewards(session, mission) == 1


def test_a_merge_that_comes_before_the_clock_takes_nobodys_reward(session: Session) -> None:
    mission, member = two_visits(session)
    merging.merge(session, member, make_member(session, friend=False), staff_id=None, now=NOW + DAY + SOON)
    missions.settle(session, [member.id], now=NOW + DAY + 2 * SOON)
    assert rewards(session, mission) == 1


def test_what_was_reached_while_a_mission_was_off_is_not_rewarded_once_it_is_on(session: Session) -> None:
    member = make_member(session)
    mission = make_mission(session, measure={}, target=2)
    missions.disable(session, mission)
    for n in range(3):
        buy(session, member, NOW + n * DAY)
    missions.enable(session, mission, now=NOW + 10 * DAY)
    missions.settle(session, [member.id], now=NOW + 11 * DAY)
    assert rewards(session, mission) == 0
    buy(session, member, NOW + 12 * DAY)
    assert rewards(session, mission) == 1


def test_who_had_a_seat_by_each_of_two_records_gives_up_both_when_forgotten(session: Session) -> None:
    slot = make_slot(session, make_store(session), starts_at=NOW + 2 * DAY, capacity=2)
    one, other = make_member(session), make_member(session, friend=False)
    for each in (one, other):
        booking.book(session, each, slot_id=slot.id, source="liff", now=NOW)
    merging.merge(session, one, other, staff_id=None, now=NOW)
    leaving.erase(session, one, by="staff", now=NOW)
    session.expire_all()
    assert session.scalar(select(func.count()).where(Booking.state == "confirmed")) == 0
    assert session.get_one(Slot, slot.id).taken == 0


def test_what_was_owed_and_brought_back_is_owed_no_longer(session: Session) -> None:
    ware, member = make_coupon(session, stock=0), make_member(session)
    mission = make_mission(session, measure={}, target=2, reward={"coupon": ware.key})
    refs = [buy(session, member, NOW + n * DAY) for n in range(2)]
    give_back(session, refs[0], NOW + 2 * DAY)
    ware.stock = 5
    session.flush()
    assert missions.give_owed(session, mission, now=NOW + 3 * DAY) == 0
    buy(session, member, NOW + 4 * DAY)
    assert rewards(session, mission) == 1
    assert missions.give_owed(session, mission, now=NOW + 5 * DAY) == 0


def test_what_is_owed_is_given_once_there_is_some_but_not_to_who_is_forgotten(session: Session) -> None:
    ware, both = make_coupon(session, stock=0), [make_member(session), make_member(session)]
    mission = make_mission(session, measure={}, target=1, rounds=1, reward={"coupon": ware.key})
    for member in both:
        buy(session, member, NOW)
    leaving.erase(session, both[0], by="staff", now=NOW + DAY)
    ware.stock = 5
    session.flush()
    assert missions.give_owed(session, mission, now=NOW + 3 * DAY) == 1
    assert session.scalars(select(CouponClaim.member_id)).all() == [both[1].id]
