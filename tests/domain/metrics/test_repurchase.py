"""Repurchase on both databases (definitions §4.4)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from domain.metrics._shape import Figure
from domain.reports.judging import change
from models.member import Member
from tests.support.factories import make_member, make_purchase
from tests.support.journey import figure, local, share


def buys(session: Session, *days: tuple[date, int], member: Member | None = None, amount: int = 100) -> Member:
    member = member or make_member(session)
    for day, hour in days:
        make_purchase(session, member, paid_at=local(session, day, hour), amount=amount)
    return member


def repurchase(session: Session, month: str = "2026-06", *, as_of: date = date(2026, 7, 9)) -> Figure:
    return figure(session, "repurchase", month, as_of=local(session, as_of))


def test_EX_05_eighty_march_buyers(session: Session) -> None:
    for n in range(80):
        again = [(date(2026, 4, 1), 12)] if n < 24 else []
        buys(session, (date(2026, 3, 10), 12), *again)
    for n in range(75):
        again = [(date(2026, 4, 10), 12)] if n < 18 else []
        buys(session, (date(2026, 2, 10), 12), *again)
    june, may = repurchase(session), repurchase(session, "2026-05")
    assert (share(june), share(may)) == ((24, 80), (18, 75))
    moved = change(june, may)
    assert moved
    assert moved.interval
    figures = [round(x * 100, 1) for x in (moved.value, moved.interval.low, moved.interval.high)]
    assert (figures, moved.trend) == ([6.0, -8.0, 19.6], "no clear change")


def test_EX_06_same_day_day_90_day_91(session: Session) -> None:
    first = (date(2026, 3, 5), 10)
    buys(session, first, (date(2026, 3, 5), 18))
    assert share(repurchase(session)) == (0, 1)
    buys(session, first, (date(2026, 6, 3), 12))
    assert share(repurchase(session)) == (1, 2)
    buys(session, first, (date(2026, 6, 4), 12))
    assert share(repurchase(session)) == (1, 3)


def test_a_full_refund_takes_both_roles_away(session: Session) -> None:
    refunded = buys(session, (date(2026, 3, 1), 12), amount=0)
    buys(session, (date(2026, 3, 20), 12), member=refunded)
    assert share(repurchase(session)) == (0, 1)
    later = buys(session, (date(2026, 3, 1), 12))
    buys(session, (date(2026, 3, 20), 12), member=later, amount=0)
    assert share(repurchase(session)) == (0, 2)


def test_members_whose_90_days_run_are_pending(session: Session) -> None:
    buys(session, (date(2026, 3, 5), 12))
    buys(session, (date(2026, 3, 31), 12), (date(2026, 4, 1), 12))
    early = repurchase(session, as_of=date(2026, 6, 4))
    assert (share(early), early.asides["pending"]) == ((0, 1), 1)
    assert share(repurchase(session, as_of=date(2026, 6, 30))) == (1, 2)


def test_only_members_count(session: Session) -> None:
    for fields in ({"registered": False}, {"is_staff": True}, {"is_test": True}):
        buys(session, (date(2026, 3, 5), 12), member=make_member(session, **fields))
    make_purchase(session, None, paid_at=local(session, date(2026, 3, 5)), amount=10)
    assert share(repurchase(session)) == (0, 0)


def test_the_index_is_the_first_day_of_the_base_month(session: Session) -> None:
    # 28 February + 90 days has nothing to do with a cohort of March.
    buys(session, (date(2026, 2, 28), 12), (date(2026, 3, 1), 12), (date(2026, 3, 1) + timedelta(days=90), 12))
    assert share(repurchase(session)) == (1, 1)
