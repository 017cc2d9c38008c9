"""Ten promotions nobody wrote code for (docs/promotions): who gets the reward, and who rightly does not."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import (
    answering,
    automating,
    drawing,
    granting,
    hand_tagging,
    joining,
    missions,
    programme,
    referring,
    verifying,
    visiting,
)
from domain.operations.purchasing import Line, record_order
from domain.reports import card
from models.automation import Automation
from models.benefit import Coupon, CouponClaim
from models.member import Member
from models.mission import Draw, Mission, Ticket
from models.outbox import OutgoingMessage
from models.points import PointLine
from models.staff import Staff
from models.store import Store
from tests.support.factories import make_member
from tests.support.ten_promotions import with_the_ten

FIRST = date(2027, 3, 1)  # a Monday


@pytest.fixture(autouse=True)
def brand(session: Session) -> None:
    programme.apply(session, programme.read(with_the_ten()), by="test", now=on(session, -3))


def on(session: Session, days: int, hour: float = 12) -> datetime:
    return calendar_of(session).start(FIRST + timedelta(days=days)) + timedelta(hours=hour)


def buy(
    session: Session, member: Member, days: int, *, sku: str = "tea", category: str = "", hour: float = 12,
    store: str | None = None,
) -> None:  # fmt: skip
    at = on(session, days, hour)
    lines, ref = [Line(1, sku, 100, category=category)], f"{member.ref}-{days}-{sku}-{hour}"
    where = session.scalar(select(Store.id).where(Store.key == store))
    record_order(
        session, order_ref=ref, paid_at=at, member_id=member.id, store_id=where, source="pos", lines=lines, now=at
    )


def run(session: Session, key: str, now: datetime) -> None:
    """This automation's clock, twice: what it does for a person it does once."""
    automation = session.scalars(select(Automation).where(Automation.key == key)).one()
    for _ in range(2):
        automating.enrol(session, automation, now=now)
        while automating.act(session, now=now):
            pass


def coupons(session: Session, member: Member, key: str) -> int:
    mine = select(func.count()).select_from(CouponClaim).join(Coupon, Coupon.id == CouponClaim.coupon_id)
    return session.scalar(mine.where(CouponClaim.member_id == member.id, Coupon.key == key)) or 0


def points(session: Session, member: Member, cause: str) -> int:
    mine = select(func.coalesce(func.sum(PointLine.points), 0))
    return session.scalar(mine.where(PointLine.member_id == member.id, PointLine.cause.startswith(cause))) or 0


def told(session: Session, member: Member) -> list[str]:
    """What was said to them, by its title."""
    mine = select(OutgoingMessage).where(OutgoingMessage.member_id == member.id).order_by(OutgoingMessage.id)
    return [str(each.messages[0].get("altText")) for each in session.scalars(mine)]


def marketer(session: Session) -> Staff:
    row = Staff(login="s", name="S", role="marketer", language="en", created_at=on(session, 0))
    session.add(row)
    session.flush()
    return row


def test_1_the_fifth_tea_in_an_own_cup_brings_points(session: Session) -> None:
    thrifty, other = make_member(session), make_member(session)
    for day in range(5):
        buy(session, thrifty, day, sku="TEA-OWN-CUP")
        buy(session, other, day, sku="TEA-OWN-CUP" if day else "TEA-PAPER-CUP")
    assert (points(session, thrifty, "mission:own_cup"), points(session, other, "mission:own_cup")) == (30, 0)
    run(session, "mission_rewarded", on(session, 4, 12.5))
    assert f"You did it, {thrifty.name}: Five with your own cup" in told(session, thrifty)


def test_2_one_walk_through_three_cities_ends_in_two_prizes(session: Session) -> None:
    walker, gold, slow = make_member(session), make_member(session), make_member(session)
    granting.grant(
        session, member_id=gold.id, benefit={"tier_floor": {"tier": "gold", "days": 365}}, cause="test",
        now=on(session, 0),
    )  # fmt: skip
    for n, store in enumerate(session.scalars(select(Store).where(Store.key.in_(["daan", "calligraphy", "shennong"])))):
        for member, days in ((walker, 5), (gold, 5), (slow, 16)):
            visiting.visit(session, member, store, staff_id=None, now=on(session, 1 + n * days))
    for member in (walker, gold, slow):
        missions.settle(session, [member.id], now=on(session, 33))
    assert [coupons(session, each, "trail_postcards") for each in (walker, gold, slow)] == [1, 0, 0]
    open_to = [[key for key, _ in card.access_of(session, each, now=on(session, 12))] for each in (walker, gold, slow)]
    assert open_to == [[], ["tasting_table"], []]


def test_3_the_noon_seat_is_for_noons_on_weekdays_in_daan(session: Session) -> None:
    noon, evening, elsewhere, weekend = (make_member(session) for _ in range(4))
    for day in range(4):
        buy(session, noon, day, hour=12.5, store="daan")
        buy(session, evening, day, hour=18, store="daan")
        buy(session, elsewhere, day, hour=12.5, store="shennong")
        buy(session, weekend, day + 3, hour=12.5, store="daan")  # Thursday to Sunday
    cakes = [coupons(session, each, "noon_cake") for each in (noon, evening, elsewhere, weekend)]
    assert cakes == [1, 0, 0, 0]


def test_4_the_bet_is_for_those_who_had_drifted_and_is_lost_after_the_20th(session: Session) -> None:
    winner, late, regular = make_member(session), make_member(session), make_member(session)
    for member, ago in ((winner, 80), (late, 80), (regular, 10)):
        buy(session, member, -ago)
    run(session, "comeback_bet", on(session, 0))
    for member, second in ((winner, 19), (late, 20), (regular, 19)):
        buy(session, member, 5)
        buy(session, member, second)
    won = [points(session, each, "mission:comeback_bet") for each in (winner, late, regular)]
    assert won == [200, 0, 0]
    asked = f"{winner.name}, shall we bet?"
    assert (told(session, winner).count(asked), told(session, regular)) == (1, [])


def test_5_the_day_they_met_is_kept_each_year(session: Session) -> None:
    met = calendar_of(session).start(date(2024, 3, 5)) + timedelta(hours=20)
    old = make_member(session, registered_at=met, created_at=met)
    other = make_member(session, registered_at=met + timedelta(days=1), created_at=met)
    run(session, "joining_day", on(session, 4, 11))
    assert (points(session, old, "automation:joining_day"), points(session, other, "automation:joining_day")) == (
        100,
        0,
    )
    assert told(session, old) == [f"{old.name}, year 3 with us"]
    run(session, "joining_day", on(session, 366 + 4, 11))
    assert points(session, old, "automation:joining_day") == 200


def test_6_a_friend_who_joins_brings_a_pot_to_both(session: Session) -> None:
    host, staff, now = make_member(session), marketer(session), on(session, 1)
    friend, stranger = (make_member(session, registered=False, created_at=now) for _ in range(2))
    referring.clicked(session, friend, by=host.ref, now=now)
    for person, phone in ((friend, "0912000001"), (stranger, "0912000002")):
        joining.register(
            session, person, name="F", phone=phone, consent=True, consent_wording="", method="liff", now=now
        )
        verifying.confirm_phone(session, person, phone=phone, staff_id=staff.id, how="code", now=now)
    run(session, "friend_came", now + timedelta(minutes=5))
    assert [coupons(session, each, "tea_for_two") for each in (host, friend, stranger)] == [1, 1, 0]
    assert "F, your friend left you a pot of tea" in told(session, friend)


def test_7_a_birthday_without_a_word_for_who_wants_none(session: Session) -> None:
    quiet = make_member(session, marketing_consent=False, birth_month=4)
    loud, other_month = (
        make_member(session, birth_month=4),
        make_member(session, marketing_consent=False, birth_month=5),
    )
    run(session, "quiet_birthday", on(session, 31, 9.5))
    given = [points(session, each, "automation:quiet_birthday") for each in (quiet, loud, other_month)]
    assert given == [60, 0, 0]
    assert told(session, quiet) == []


def test_8_three_shelves_are_three_kinds_of_goods_and_not_three_teas(session: Session) -> None:
    curious, faithful, slow = make_member(session), make_member(session), make_member(session)
    for n, category in enumerate(("tea", "ware", "sweets")):
        buy(session, curious, n * 20, sku=category, category=category)
        buy(session, faithful, n * 20, sku=f"tea{n}", category="tea")
        buy(session, slow, n * 31, sku=category, category=category)
    won = [points(session, each, "mission:three_shelves") for each in (curious, faithful, slow)]
    assert won == [150, 0, 0]


def test_9_the_top_of_the_tea_ladder_is_a_ticket_and_the_draw_finds_its_kettle(session: Session) -> None:
    climber, guesser = make_member(session), make_member(session)
    right = {"ladder_leaf": {"oolong": "half"}, "ladder_water": {"green": "80"}, "ladder_ware": {"yixing": "one"}}
    for day, (form, answers) in enumerate(right.items()):
        answering.answer(session, climber, form_key=form, answers=answers, now=on(session, day))
        answering.answer(session, climber, form_key=form, answers=answers, now=on(session, day + 5))  # again: once
        wrong = {"green": "100"} if form == "ladder_water" else answers
        answering.answer(session, guesser, form_key=form, answers=wrong, now=on(session, day))
    ladder = session.scalars(select(Mission).where(Mission.key == "tea_ladder")).one()
    missions.settle(session, missions.lately(session, ladder), now=on(session, 9))
    assert session.scalars(select(Ticket.member_id)).all() == [climber.id]
    draw = session.scalars(select(Draw).where(Draw.key == "ladder_2027")).one()
    drawing.draw_now(session, draw, now=on(session, 61))
    drawing.give_prizes(session, draw, now=on(session, 61))
    assert (coupons(session, climber, "ladder_kettle"), coupons(session, guesser, "ladder_kettle")) == (1, 0)


def test_10_who_brought_a_lost_glove_is_thanked_once(session: Session) -> None:
    finder, other, staff = make_member(session), make_member(session), marketer(session)
    for hours in (0, 1):  # two of staff think of it
        hand_tagging.put(
            session, finder, key="honest_finder", staff_id=staff.id, now=on(session, 1) + timedelta(hours=hours)
        )
        run(session, "honest_finder", on(session, 1) + timedelta(hours=hours, minutes=5))
    assert (coupons(session, finder, "finders_tea"), coupons(session, other, "finders_tea")) == (1, 0)
    assert told(session, finder) == [f"Thank you, {finder.name}"]


def test_what_the_file_says_is_what_is_kept(session: Session) -> None:
    """Exported, the programme is the same, so nothing of the ten was lost on the way into the tables."""
    wanted = programme.read(with_the_ten())
    assert programme.diff(session, wanted) == []
