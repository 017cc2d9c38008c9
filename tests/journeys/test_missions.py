"""Every mission of the Taiwan programme, from what a member does to what is in their hands."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import automating, joining, programme, referring, retagging, tagging, verifying, visiting
from domain.operations.purchasing import Line, record_order
from models.automation import Automation
from models.benefit import Coupon, CouponClaim
from models.member import Member
from models.mission import Mission, MissionRound, Ticket
from models.outbox import OutgoingMessage
from models.points import PointLine
from models.programme import Tag, Tier
from models.staff import Staff
from models.store import Store
from tests.support.factories import make_member

PRESET = Path(programme.__file__).parents[2] / "presets" / "taiwan.yaml"
FIRST = date(2027, 3, 1)


@pytest.fixture
def brand(session: Session) -> None:
    data = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    programme.apply(session, programme.read(data), by="test", now=on(session, 0))


def on(session: Session, days: int) -> datetime:
    return calendar_of(session).start(FIRST + timedelta(days=days)) + timedelta(hours=12)


def buy(session: Session, member: Member, days: int, amount: int = 100, *, sku: str = "x", category: str = "") -> None:
    ref = f"{member.ref}-{days}-{sku}"
    record_order(
        session, order_ref=ref, paid_at=on(session, days), member_id=member.id, source="pos", now=on(session, days),
        lines=[Line(1, sku, amount, category=category)],
    )  # fmt: skip


def has(session: Session, member: Member, key: str) -> int:
    claims = select(func.count()).select_from(CouponClaim).join(Coupon, Coupon.id == CouponClaim.coupon_id)
    return session.scalar(claims.where(CouponClaim.member_id == member.id, Coupon.key == key)) or 0


def test_eight_stamps_are_a_meal_and_the_card_begins_anew(session: Session, brand: None) -> None:
    member = make_member(session)
    for day in range(15):
        buy(session, member, day + 1, 150)
    buy(session, member, 16, 149)
    assert has(session, member, "stamp_meal") == 1
    buy(session, member, 17, 150)
    assert has(session, member, "stamp_meal") == 2


def test_three_days_of_buying_are_a_ticket_for_the_teapot(session: Session, brand: None) -> None:
    member = make_member(session)
    for day in range(3):
        buy(session, member, day + 1)
    assert session.scalar(select(func.count()).where(Ticket.member_id == member.id)) == 1


def test_the_fifth_visit_brings_the_tin_and_the_member_is_told(session: Session, brand: None) -> None:
    member, store = make_member(session), session.scalars(select(Store)).first()
    assert store is not None
    for day in range(5):
        visiting.visit(session, member, store, staff_id=None, now=on(session, day + 1))
    assert has(session, member, "visit_tin") == 1
    telling = session.scalars(select(Automation).where(Automation.key == "mission_rewarded")).one()
    automating.enrol(session, telling, now=on(session, 5) + timedelta(minutes=5))
    automating.enrol(session, telling, now=on(session, 5) + timedelta(minutes=10))
    automating.act(session, now=on(session, 5) + timedelta(minutes=10))
    said = select(OutgoingMessage).where(
        OutgoingMessage.member_id == member.id, OutgoingMessage.once.startswith("automation:mission_rewarded")
    )
    assert len(session.scalars(said).all()) == 1


def test_a_newcomer_who_buys_twice_in_thirty_days_gets_the_cup(session: Session, brand: None) -> None:
    quick, slow = (make_member(session, registered_at=on(session, 1), created_at=on(session, 1)) for _ in range(2))
    for day in (2, 20):
        buy(session, quick, day)
    for day in (2, 33):
        buy(session, slow, day)
    assert (has(session, quick, "newcomer_cup"), has(session, slow, "newcomer_cup")) == (1, 0)


def test_the_regulars_month_is_for_regulars_and_once_a_month(session: Session, brand: None) -> None:
    regular, new = make_member(session), make_member(session)
    for day in (-40, -30, -20, -10):
        buy(session, regular, day)
    for day in (1, 2, 3, 4, 5, 6):
        buy(session, regular, day)
    for day in (1, 2, 3):
        buy(session, new, day)
    assert (has(session, regular, "regulars_80"), has(session, new, "regulars_80")) == (1, 0)
    for day in (32, 33, 34):
        buy(session, regular, day)
    assert has(session, regular, "regulars_80") == 2


def test_the_tea_lovers_month_goes_by_taste(session: Session, brand: None) -> None:
    lover, other = make_member(session), make_member(session)
    buy(session, lover, -5, category="tea")
    retagging.settle(session, [lover.id, other.id], now=on(session, 0))
    for member, category in ((lover, "tea"), (other, "ware")):
        for day in (1, 2):
            buy(session, member, day, category=category)
    rewarded = select(PointLine.member_id).where(PointLine.cause.startswith("mission:tea_month"))
    assert session.scalars(rewarded).all() == [lover.id]


def test_every_3000_bring_sweets_twice_a_month(session: Session, brand: None) -> None:
    member = make_member(session)
    buy(session, member, 1, 9_500)
    assert has(session, member, "spend_gift") == 2
    buy(session, member, 32, 2_500)
    assert has(session, member, "spend_gift") == 3


def test_friends_bring_100_each_ten_a_month_and_the_third_silver(session: Session, brand: None) -> None:
    referrer = make_member(session)
    staff = Staff(login="s", name="S", role="marketer", language="en", created_at=on(session, 0))
    session.add(staff)
    session.flush()
    for n in range(12):
        at = on(session, 1) + timedelta(minutes=n)
        friend = make_member(session, registered=False, created_at=at)
        phone = f"09120000{n:02d}"
        referring.clicked(session, friend, by=referrer.ref, now=at)
        joining.register(
            session, friend, name="F", phone=phone, consent=True, consent_wording="", method="liff", now=at
        )
        verifying.confirm_phone(session, friend, phone=phone, staff_id=staff.id, how="code", now=at)
        tier = session.get(Tier, referrer.tier_id) if referrer.tier_id else None
        assert (tier is not None and tier.key == "silver") == (n >= 2)
    assert has(session, referrer, "referral_100") == 10
    assert referrer.tier_until is None or referrer.tier_until >= FIRST + timedelta(days=365)


def test_twelve_different_teas_in_a_year_seat_one_at_the_table(session: Session, brand: None) -> None:
    member = make_member(session)
    for n in range(12):
        buy(session, member, n + 1, sku=f"tea{n % 11}", category="tea")
    assert has(session, member, "tea_scholar") == 0
    buy(session, member, 20, sku="tea11", category="tea")
    assert has(session, member, "tea_scholar") == 1


def test_the_month_s_pre_order_is_for_regulars_once_a_month(session: Session, brand: None) -> None:
    regular, new = make_member(session), make_member(session)
    for day in (-40, -30, -20, -10):
        buy(session, regular, day)
    for member in (regular, new):
        buy(session, member, 1, sku="PRE-NEW")
        buy(session, member, 2, sku="PRE-NEW")
    assert (has(session, regular, "preorder_thanks"), has(session, new, "preorder_thanks")) == (1, 0)


def test_who_sleeps_is_thanked_for_coming_back(session: Session, brand: None) -> None:
    sleeping, awake = make_member(session), make_member(session)
    tag = session.scalars(select(Tag).where(Tag.key == "sleeping")).one()
    tagging.give(session, [sleeping.id], tag, source="rule", evidence={}, now=on(session, 0))
    for member in (sleeping, awake):
        buy(session, member, 1)
    rewarded = select(PointLine.member_id).where(PointLine.cause.startswith("mission:wake_up"))
    assert session.scalars(rewarded).all() == [sleeping.id]


def test_the_upgrade_challenge_is_for_those_near_the_next_tier(session: Session, brand: None) -> None:
    near, far = make_member(session), make_member(session)
    for member, amount in ((near, 3_500), (far, 500)):
        buy(session, member, -20, amount)
        buy(session, member, 1)
        buy(session, member, 2)
    rewarded = select(PointLine.member_id).where(PointLine.cause.startswith("mission:upgrade_challenge"))
    assert session.scalars(rewarded).all() == [near.id]


def test_every_mission_of_the_programme_is_told_here(session: Session, brand: None) -> None:
    """A mission added to the file needs its story."""
    told = {
        "stamps", "three_for_the_draw", "five_visits", "newcomer", "monthly_regulars", "tea_month", "spend_3000",
        "friend", "three_friends", "twelve_teas", "monthly_preorder", "wake_up", "upgrade_challenge",
    }  # fmt: skip
    assert set(session.scalars(select(Mission.key))) == told
    assert session.scalars(select(MissionRound.id)).all() == []
