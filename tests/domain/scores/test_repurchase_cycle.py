"""The repurchase cycle on real rows of both databases (definitions §9)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import Date, Float, Integer, literal, null, select
from sqlalchemy.orm import Session

from domain.operations import scoring
from domain.scores.repurchase_cycle import cycle_days, due_on, usual_gap
from models.member import Member
from models.score import MemberScore
from tests.support.factories import make_member, make_purchase

DAY = date(2026, 6, 30)


def buyer(session: Session, *days: date) -> Member:
    member = make_member(session)
    for day in days:
        make_purchase(session, member, paid_at=datetime.combine(day, time(4), UTC), amount=100)
    return member


def scored(session: Session, member: Member, *, day: date = DAY, everyones: float | None) -> MemberScore:
    scoring.cycles_moved(session, everyones=everyones)
    scoring.score(session, day=day, ids=(member.id, member.id))
    session.expire_all()
    return session.get_one(MemberScore, member.id)


@pytest.mark.parametrize(
    ("count", "own", "everyones", "expected"),
    [(3, 30.0, 45.0, 37), (1, 10.0, 45.0, 31), (0, None, 45.0, 45), (2, 14.5, 14.5, 15), (4, 1.0, 1.0, 1)],
)
def test_EX_16_own_gaps_pulled_towards_everyones(
    session: Session, count: int, own: float | None, everyones: float, expected: int
) -> None:
    median = literal(own, Float) if own else null()
    assert session.scalar(select(cycle_days(literal(count, Integer), median, everyones))) == expected


def test_EX_16_gaps_of_purchase_days(session: Session) -> None:
    member = buyer(session, date(2026, 1, 5), date(2026, 2, 4), date(2026, 2, 24), date(2026, 4, 5))
    row = scored(session, member, everyones=45.0)
    assert (row.gap_count, row.gap_median, row.gaps) == (3, 30.0, "30 20 40")
    assert (row.cycle_days, row.due_on) == (37, date(2026, 5, 12))


def test_without_a_purchase_in_730_days_there_is_no_cycle(session: Session) -> None:
    member = buyer(session, DAY - timedelta(days=729))
    assert scored(session, member, everyones=45.0).cycle_days == 45
    row = scored(session, member, day=DAY + timedelta(days=1), everyones=45.0)
    assert (row.gap_count, row.gaps, row.cycle_days, row.due_on) == (None, None, None, None)
    assert row.last_day == DAY - timedelta(days=729)


def test_the_due_day_is_the_last_day_and_the_cycle(session: Session) -> None:
    assert session.scalar(select(due_on(literal(date(2026, 4, 5), Date), literal(37)))) == date(2026, 5, 12)


def test_too_few_gaps_say_nothing(session: Session) -> None:
    assert usual_gap({10: 29}) is None
    assert usual_gap({10: 30}) == 10
    assert usual_gap({10: 15, 20: 15}) == 15
    assert usual_gap({10: 15, 20: 16}) == 20
    assert scored(session, buyer(session, DAY), everyones=None).cycle_days is None


def test_everyones_gaps_are_counted_as_they_change(session: Session) -> None:
    regular = buyer(session, *(DAY - timedelta(days=10 * n) for n in range(31)))
    scoring.score(session, day=DAY, ids=(regular.id, regular.id))
    assert scoring.everyones_gap(session) == 10
    seldom = buyer(session, *(DAY - timedelta(days=20 * n) for n in range(31)))
    scoring.score(session, day=DAY, ids=(regular.id, seldom.id))
    assert scoring.everyones_gap(session) == 15
    regular.erased_at = datetime.combine(DAY, time(4), UTC)
    session.flush()
    scoring.score(session, day=DAY, ids=(regular.id, seldom.id))
    assert scoring.the_run(session).gaps == {"20": 30}


def test_cycles_move_with_everyones_and_only_where_that_changes_them(session: Session) -> None:
    one = buyer(session, DAY)
    ids = (one.id, one.id)
    assert scored(session, one, everyones=20.0).cycle_days == 20
    assert scoring.move_cycles(session, everyones=20.2, ids=ids) == 0
    assert scoring.move_cycles(session, everyones=30.0, ids=ids) == 1
    session.expire_all()
    row = session.get_one(MemberScore, one.id)
    assert (row.cycle_days, row.due_on) == (30, DAY + timedelta(days=30))
