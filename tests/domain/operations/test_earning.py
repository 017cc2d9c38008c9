"""Purchases earn points as definitions §7 says, whatever order the data comes in, and refunds take them back."""

from datetime import date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Invalid
from domain.operations import pointing, programme, tagging
from domain.operations.linking_buyers import link_buyer
from domain.operations.purchasing import Line, Order, record_lines, record_order
from domain.operations.recording import record
from domain.reports.points import balance_of
from models.member import Member
from models.points import PointLine, PointLot
from models.programme import Tier, TierLine, the_brand
from models.purchase import Purchase
from tests.support.factories import make_member, make_tag
from tests.support.purse import have_points, lines_of, put_points, worth


@pytest.fixture
def member(session: Session) -> Member:
    have_points(session)
    return make_member(session, registered_at=moment(session, 2026, 1, 1))


@pytest.fixture
def gold(session: Session, member: Member) -> Member:
    """Somebody who is gold since New Year, and by a floor stays so."""
    general, tier = (
        Tier(key=key, rank=n, threshold=n * 15_000, name={"en": key}) for n, key in enumerate(("general", "gold"))
    )
    session.add_all([general, tier])
    session.flush()
    since, until = moment(session, 2026, 1, 2), moment(session, 2027, 1, 2)
    session.add(TierLine(member_id=member.id, tier_id=tier.id, reason="granted", at=since, until=until, cause="floor"))
    session.flush()
    return member


def moment(session: Session, year: int, month: int, day: int, hour: int = 12) -> datetime:
    return calendar_of(session).start(date(year, month, day)) + timedelta(hours=hour)


def buy(session: Session, member: Member | None, when: datetime, amount: int, ref: str = "A1", **more: Any) -> Purchase:
    return record_order(
        session, order_ref=ref, member_id=member.id if member else None, paid_at=when,
        lines=[Line(1, "tea", amount)], source="pos", now=more.pop("now", when), **more,
    )  # fmt: skip


def refund(session: Session, member: Member, when: datetime, amount: int, of: str = "A1", ref: str = "R1") -> None:
    record_order(
        session, order_ref=ref, member_id=member.id, paid_at=when,
        lines=[Line(1, "tea", amount, kind="refund", refund_of=of)], source="pos", now=when,
    )  # fmt: skip


def test_EX_13_member_day_doubles_for_gold_and_a_refund_takes_back_in_proportion(
    session: Session, gold: Member
) -> None:
    the_18th = moment(session, 2026, 3, 18)
    buy(session, gold, the_18th, 1_234)
    plain = make_member(session, registered_at=moment(session, 2026, 1, 1))
    buy(session, plain, the_18th, 1_234, ref="B1")
    assert lines_of(session, gold) == [("earned", 24)]
    assert lines_of(session, plain) == [("earned", 12)]
    refund(session, gold, the_18th + timedelta(days=2), 617)
    refund(session, plain, the_18th + timedelta(days=2), 617, of="B1", ref="R2")
    assert lines_of(session, gold) == [("earned", 24), ("taken_back", -12)]
    assert (worth(session, gold), worth(session, plain)) == (12, 6)


def test_member_day_is_the_local_day_it_was_paid_on(session: Session, gold: Member) -> None:
    just_before = moment(session, 2026, 3, 18, hour=0) - timedelta(seconds=1)
    buy(session, gold, just_before, 500, ref="A1")
    buy(session, gold, just_before + timedelta(seconds=1), 500, ref="A2")
    assert lines_of(session, gold) == [("earned", 5), ("earned", 10)]


def test_the_tier_is_that_of_the_moment_it_was_paid(session: Session, gold: Member) -> None:
    """Known in April; in March nobody knew of the order, and on 1 January the person was not gold yet."""
    late = moment(session, 2026, 4, 20)
    have_points(session, times=[{"key": "gold", "times": 3, "tiers": ["gold"]}])
    buy(session, gold, moment(session, 2026, 1, 1), 500, ref="A1", now=late)
    buy(session, gold, moment(session, 2026, 3, 3), 500, ref="A2", now=late)
    assert lines_of(session, gold) == [("earned", 5), ("earned", 15)]


def test_a_rule_may_multiply_and_says_so_on_the_line(session: Session, member: Member) -> None:
    tag, other = make_tag(session, "tea"), make_member(session, registered_at=moment(session, 2026, 1, 1))
    when = moment(session, 2026, 3, 3)
    tagging.give(session, [member.id], tag, source="staff", evidence={}, now=when)
    have_points(session, times=[{"key": "tea_lovers", "times": 2, "rule": {"condition": "has_tag", "tag": "tea"}}])
    buy(session, member, when, 500)
    buy(session, other, when, 500, ref="B1")
    assert lines_of(session, member) == [("earned", 10)]
    assert lines_of(session, other) == [("earned", 5)]
    line = session.scalars(select(PointLine).where(PointLine.member_id == member.id)).one()
    assert (line.evidence["times"], line.evidence["rule"], line.evidence["net"]) == (2, "tea_lovers", 500)


def test_points_can_be_used_seven_days_after_and_until_the_end_of_next_year(session: Session, member: Member) -> None:
    when = moment(session, 2026, 3, 3)
    buy(session, member, when, 500)
    assert balance_of(session, member.id, now=when + timedelta(days=7, seconds=-1)).usable == 0
    assert balance_of(session, member.id, now=when + timedelta(days=7)).usable == 5
    lot = session.scalars(select(PointLot).where(PointLot.member_id == member.id)).one()
    assert lot.expires_at == calendar_of(session).last_second(date(2027, 12, 31))


def test_a_parcel_is_pending_until_it_was_picked_up_however_late_we_hear_of_it(
    session: Session, member: Member
) -> None:
    when = moment(session, 2026, 3, 3)
    picked_up = when + timedelta(days=5)
    buy(session, member, when, 500)
    record(session, "picked_up", member_id=member.id, source="web", object="A1", occurred_at=picked_up, now=picked_up)
    pointing.settle(session, [member.id], now=picked_up)
    assert balance_of(session, member.id, now=when + timedelta(days=8)).pending == 5
    assert balance_of(session, member.id, now=picked_up + timedelta(days=7)).usable == 5


def test_without_points_in_the_programme_nothing_is_earned(session: Session) -> None:
    member = make_member(session)
    buy(session, member, moment(session, 2026, 3, 3), 500)
    assert lines_of(session, member) == []


def test_what_was_bought_before_points_began_or_before_joining_earns_none(session: Session) -> None:
    have_points(session, since="2026-03-01")
    member = make_member(session, registered_at=moment(session, 2026, 3, 5))
    buy(session, member, moment(session, 2026, 2, 28), 500, ref="A1")
    buy(session, member, moment(session, 2026, 3, 4), 500, ref="A2")
    buy(session, member, moment(session, 2026, 3, 5, hour=1), 500, ref="A3")
    assert lines_of(session, member) == [("earned", 5)]


def test_an_order_linked_to_its_buyer_afterwards_earns_as_of_its_own_time(session: Session, member: Member) -> None:
    when = moment(session, 2026, 3, 3)
    buy(session, None, when, 500, buyer_ref="WEB-7")
    link_buyer(session, member.id, ["WEB-7"], now=when + timedelta(days=30))
    assert balance_of(session, member.id, now=when + timedelta(days=30)).usable == 5


def test_changing_the_programme_rewrites_no_order(session: Session, member: Member) -> None:
    when = moment(session, 2026, 3, 3)
    buy(session, member, when, 90)
    buy(session, member, when, 900, ref="A2")
    have_points(session, per=10)
    pointing.settle(session, [member.id], now=when + timedelta(days=1))
    assert worth(session, member) == 9


def test_settling_again_adds_nothing(session: Session, member: Member) -> None:
    when = moment(session, 2026, 3, 3)
    buy(session, member, when, 900)
    refund(session, member, when + timedelta(days=1), 250)
    assert pointing.settle(session, [member.id], now=when + timedelta(days=2)) == 0
    assert lines_of(session, member) == [("earned", 9), ("taken_back", -3)]


def test_two_refunds_take_no_more_than_one_of_the_same_amount(session: Session, member: Member) -> None:
    when = moment(session, 2026, 3, 3)
    for ref, parts in (("A1", (333, 333)), ("A2", (666,))):
        buy(session, member, when, 1_000, ref=ref)
        for n, part in enumerate(parts):
            refund(session, member, when + timedelta(days=1 + n), part, of=ref, ref=f"R{ref}{n}")
    earned = session.execute(select(PointLine.purchase_id, PointLine.points)).all()
    totals = {key: sum(points for purchase, points in earned if purchase == key) for key, _ in earned}
    assert list(totals.values()) == [3, 3]
    assert worth(session, member) == 6


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_refunds_before_their_sale_and_lines_that_come_late_end_the_same(
    session: Session, member: Member, order: tuple[int, ...]
) -> None:
    when = moment(session, 2026, 3, 3)
    items = [
        (Order("A1", when, member.id), Line(1, "tea", 900)),
        (Order("A1", when, member.id), Line(2, "cup", 350)),
        (Order("R1", when + timedelta(days=2), member.id), Line(1, "tea", 250, kind="refund", refund_of="A1")),
    ]
    for n in order:
        record_lines(session, [items[n]], source="pos", now=when)
        pointing.settle(session, [member.id], now=when + timedelta(days=3))
    assert worth(session, member) == 9  # 12 for 1,250, of which 1,000 stayed


def test_a_refund_after_everything_was_spent_leaves_a_debt_that_comes_first(session: Session, member: Member) -> None:
    when = moment(session, 2026, 3, 3)
    buy(session, member, when, 1_000)
    put_points(session, member, -10, at=when + timedelta(days=8), reason="spent", usable_at=None)
    refund(session, member, when + timedelta(days=9), 1_000)
    assert balance_of(session, member.id, now=when + timedelta(days=9)).usable == -10
    buy(session, member, when + timedelta(days=10), 1_500, ref="A2")
    after = balance_of(session, member.id, now=when + timedelta(days=30))
    assert (after.usable, after.pending) == (5, 0)
    assert worth(session, member) == 5


def test_who_is_no_member_yet_earns_on_joining_for_the_same_day(session: Session) -> None:
    have_points(session)
    when = moment(session, 2026, 3, 3)
    person = make_member(session, registered=False)
    buy(session, person, when, 500)
    assert lines_of(session, person) == []
    person.registered_at = when + timedelta(hours=1)
    pointing.settle(session, [person.id], now=when + timedelta(hours=1))
    assert lines_of(session, person) == [("earned", 5)]


def test_baht_have_satang_and_points_are_for_whole_hundreds_of_baht(session: Session, member: Member) -> None:
    the_brand(session).currency = "THB"
    buy(session, member, moment(session, 2026, 3, 3), 19_999)  # 199.99
    assert worth(session, member) == 1


def section(**said: Any) -> dict[str, Any]:
    return {"brand": {"name": "Camellia"}, "points": said}


def test_the_programme_says_what_is_earned_and_says_it_again(session: Session, now: datetime) -> None:
    said = section(per=50, since="2026-01-01", times=[{"key": "friday", "times": 1.5, "on": {"weekdays": [5]}}])
    programme.apply(session, programme.read(said), by="test", now=now)
    assert programme.export(session)["points"] == said["points"]
    assert programme.diff(session, programme.read(said)) == []
    member = make_member(session, registered_at=moment(session, 2026, 1, 1))
    buy(session, member, moment(session, 2026, 3, 6), 500)  # a Friday
    assert lines_of(session, member) == [("earned", 15)]
    programme.apply(session, programme.read(section()), by="test", now=now)
    assert the_brand(session).points == {}


@pytest.mark.parametrize(
    "said",
    [
        {"per": 100}, {"since": "2026-01-01"}, {"points": 2}, {"per": 100, "since": "soon"},
        {"per": 100, "since": "2026-01-01", "times": [{"key": "a", "times": 1}]},
        {"per": 100, "since": "2026-01-01", "times": [{"key": "a", "times": 2}, {"key": "a", "times": 3}]},
        {"per": 100, "since": "2026-01-01", "times": [{"key": "a", "times": 2, "rule": {"condition": "smiles"}}]},
        {"per": 100, "since": "2026-01-01", "times": [{"key": "a", "times": 2, "on": {"weekday": [1]}}]},
    ],
)  # fmt: skip
def test_terms_that_cannot_be_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="at points"):
        programme.read(section(**said))
