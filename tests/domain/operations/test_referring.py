"""A friend counts once, when they are new, came by the link, and have shown that the phone is theirs."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.operations import joining, merging, referring, verifying
from domain.rules import compile_rule, context_of, validate
from models.benefit import CouponClaim
from models.event import Event
from models.member import Member
from models.mission import Referral
from models.staff import Staff
from tests.domain.operations.test_missions import make_mission
from tests.support.factories import make_coupon, make_member
from tests.support.moments import NOW

DAY = timedelta(days=1)


@pytest.fixture
def staff(session: Session) -> Staff:
    made = Staff(login="counter", name="Counter", role="marketer", language="en", created_at=NOW)
    session.add(made)
    session.flush()
    return made


def visitor(session: Session, *, at: datetime = NOW) -> Member:
    """Somebody who has just opened the mini-app for the first time."""
    return make_member(session, registered=False, created_at=at)


def comes_by(session: Session, referrer: Member, person: Member, *, at: datetime = NOW) -> Referral | None:
    return referring.clicked(session, person, by=referrer.ref, now=at + timedelta(seconds=5))


def joins(session: Session, person: Member, staff: Staff, phone: str, *, at: datetime = NOW) -> None:
    joining.register(
        session, person, name="Friend", phone=phone, consent=True, consent_wording="yes", method="liff", now=at
    )
    verifying.confirm_phone(session, person, phone=phone, staff_id=staff.id, how="seen", now=at)


def judged(session: Session, person: Member) -> tuple[str, str | None]:
    row = session.scalars(select(Referral).where(Referral.person_id == person.id)).one()
    return row.state, row.reason


def brought(session: Session, referrer: Member) -> int:
    own = Event.kind == "referred", Event.member_id == referrer.id
    return session.scalar(select(func.count()).where(*own)) or 0


def test_a_new_friend_with_a_verified_phone_counts_once_and_brings_the_coupon(session: Session, staff: Staff) -> None:
    coupon, referrer = make_coupon(session, per_person=99), make_member(session)
    make_mission(session, measure={"of": "referred"}, target=1, reward={"coupon": coupon.key})
    friend = visitor(session)
    comes_by(session, referrer, friend)
    joins(session, friend, staff, "0912000001")
    referring.settle(session, [friend.id], now=NOW + DAY)
    assert (judged(session, friend), brought(session, referrer)) == (("succeeded", None), 1)
    assert session.scalars(select(CouponClaim.member_id)).all() == [referrer.id]


def test_joining_alone_is_not_enough(session: Session) -> None:
    referrer, friend = make_member(session), visitor(session)
    comes_by(session, referrer, friend)
    joining.register(
        session, friend, name="F", phone="0912000002", consent=False, consent_wording="", method="liff", now=NOW
    )
    assert judged(session, friend) == ("clicked", None)


def test_the_first_link_wins(session: Session, staff: Staff) -> None:
    first, second, friend = make_member(session), make_member(session), visitor(session)
    assert comes_by(session, first, friend) is not None
    assert comes_by(session, second, friend) is None
    joins(session, friend, staff, "0912000003")
    assert (brought(session, first), brought(session, second)) == (1, 0)


def test_ones_own_link_and_a_known_person_are_refused_with_the_reason(session: Session) -> None:
    referrer, known = make_member(session), visitor(session, at=NOW - DAY)
    comes_by(session, referrer, referrer)
    comes_by(session, referrer, known)
    assert judged(session, referrer) == ("refused", "same_person")
    assert judged(session, known) == ("refused", "known_before")


def test_a_phone_somebody_had_before_is_no_new_person(session: Session, staff: Staff) -> None:
    referrer = make_member(session)
    make_member(session, friend=False, phone="+886912000004")  # from a till's file, claimed by nobody since
    friend = visitor(session)
    comes_by(session, referrer, friend)
    joins(session, friend, staff, "0912000004")
    assert (judged(session, friend), brought(session, referrer)) == (("refused", "known_before"), 0)


def test_the_referrers_own_phone_is_the_same_person(session: Session, staff: Staff) -> None:
    referrer, second_account = make_member(session, phone="+886912000005"), visitor(session)
    comes_by(session, referrer, second_account)
    joins(session, second_account, staff, "0912000005")
    assert judged(session, second_account) == ("refused", "same_person")


@pytest.mark.parametrize(("days", "state"), [(30, "succeeded"), (31, "refused")])
def test_within_thirty_days_of_the_click(session: Session, staff: Staff, days: int, state: str) -> None:
    referrer, friend = make_member(session), visitor(session)
    comes_by(session, referrer, friend)
    joins(session, friend, staff, "0912000006", at=NOW + days * DAY)
    assert judged(session, friend)[0] == state


def test_staff_take_back_a_friend_who_turned_out_to_be_the_referrer(session: Session, staff: Staff) -> None:
    referrer, friend = make_member(session), visitor(session)
    comes_by(session, referrer, friend)
    joins(session, friend, staff, "0912000007")
    merging.merge(session, referrer, friend, staff_id=staff.id, now=NOW + DAY)
    row = session.scalars(select(Referral)).one()
    assert (row.state, brought(session, referrer)) == ("succeeded", 1)  # nothing happens by itself
    referring.take_back(session, row.id, staff_id=staff.id, now=NOW + DAY)
    assert (row.state, row.reason, brought(session, referrer)) == ("refused", "taken_back", 0)


def test_the_third_friend_and_the_cap_of_a_month(session: Session, staff: Staff) -> None:
    coupon, referrer = make_coupon(session, per_person=99), make_member(session)
    make_mission(session, measure={"of": "referred"}, target=1, reward={"coupon": coupon.key}, rewards_per_month=2)
    third = make_mission(session, measure={"of": "referred"}, target=3, rounds=1, reward={"points": 500})
    for n in range(4):
        friend = visitor(session)
        comes_by(session, referrer, friend)
        joins(session, friend, staff, f"091200010{n}")
    assert brought(session, referrer) == 4
    assert session.scalar(select(func.count()).select_from(CouponClaim)) == 2
    reached = {"condition": "mission_reached", "missions": [third.key]}
    for rule in ({"condition": "referred", "times": 4, "days": 7}, reached):
        where = compile_rule(validate(rule), context_of(session, NOW))
        assert session.scalars(select(Member.id).where(where)).all() == [referrer.id]
    five = compile_rule(validate({"condition": "referred", "times": 5}), context_of(session, NOW))
    assert session.scalars(select(Member.id).where(five)).all() == []
