from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from domain.operations import scoring
from domain.scores.repurchase_cycle import cycle_days, due_on, gaps_of, usual_gap
from models.score import MemberScore
from tests.support.factories import make_member, make_purchase


def test_EX_16_own_gaps_pulled_towards_everyones() -> None:
    days = [date(2026, 1, 5), date(2026, 2, 4), date(2026, 2, 24), date(2026, 4, 5)]
    assert gaps_of(days) == [30, 20, 40]
    assert cycle_days([30, 20, 40], 45) == 37
    assert due_on(days[-1], 37) == date(2026, 5, 12)
    assert cycle_days([10], 45) == 31
    assert cycle_days([], 45) == 45


def test_too_few_gaps_say_nothing() -> None:
    assert usual_gap([10] * 29) is None
    assert usual_gap([10] * 30) == 10


def test_cycles_are_written_and_only_when_changed(session: Session) -> None:
    day = date(2026, 6, 30)
    member = make_member(session)
    for n in range(3):
        at = datetime.combine(day - timedelta(days=20 * n), time(4), UTC)
        make_purchase(session, member, paid_at=at, amount=100)
    ids = (member.id, member.id)
    scoring.score(session, day=day, ids=ids)
    assert scoring.score_cycles(session, day=day, ids=ids, everyones=20.0) == 1
    assert scoring.score_cycles(session, day=day, ids=ids, everyones=20.0) == 0
    session.expire_all()
    row = session.get_one(MemberScore, member.id)
    assert (row.cycle_days, row.due_on) == (20, day + timedelta(days=20))
