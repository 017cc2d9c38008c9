"""The night of points: late orders earn, what ran out goes, and what does not add up is reported, then mended."""

from datetime import timedelta

from sqlalchemy import func, select, update

from domain.operations.purchasing import Line, Order, record_lines
from domain.reports.health import findings
from domain.reports.points import differing, reported
from jobs.runner import all_jobs, run_by_hand, run_if_due
from models.clock import machine_now
from models.points import PointLine, PointLot
from models.programme import the_brand
from models.session import Sessions
from tests.support.factories import make_member
from tests.support.moments import NOW
from tests.support.purse import have_points, put_points

DAY = timedelta(days=1)


def order(sessions: Sessions, ref: str, *, days: int) -> None:
    """An order whose recorder died before anything followed from it."""
    with sessions.writing() as session:
        member = make_member(session)
        line = Line(1, "tea", 1_000)
        record_lines(session, [(Order(ref, NOW - days * DAY, member.id), line)], source="pos", now=NOW)
        session.commit()


def total(sessions: Sessions) -> int:
    with sessions.reading() as session:
        return session.scalar(select(func.sum(PointLine.points))) or 0


def test_orders_nobody_settled_earn_at_night_once(sessions: Sessions) -> None:
    with sessions.writing() as session:
        have_points(session)
        the_brand(session).points["caught_up"] = "2020-01-01"
        session.commit()
    order(sessions, "A1", days=2)
    for _ in range(2):
        run_by_hand(sessions, "points", now=NOW)
    assert total(sessions) == 10


def test_when_points_begin_orders_since_their_first_day_are_caught_up_with(sessions: Sessions) -> None:
    order(sessions, "A1", days=40)
    order(sessions, "A2", days=90)
    with sessions.writing() as session:
        have_points(session, since=str((NOW - 60 * DAY).date()))
        session.commit()
    assert run_by_hand(sessions, "points", now=NOW)["lines"] == 1
    with sessions.reading() as session:
        assert the_brand(session).points["caught_up"] == str((NOW - 60 * DAY).date())
    assert run_by_hand(sessions, "points", now=NOW)["lines"] == 0
    assert total(sessions) == 10


def test_what_ran_out_goes(sessions: Sessions) -> None:
    with sessions.writing() as session:
        put_points(session, make_member(session), 50, at=NOW - 9 * DAY, expires_at=NOW - DAY)
        session.commit()
    assert run_by_hand(sessions, "points", now=NOW)["expired_of"] == 1
    assert total(sessions) == 0


def test_what_does_not_add_up_is_shown_first_and_mended_the_next_night(sessions: Sessions) -> None:
    with sessions.writing() as session:
        member_id = put_points(session, make_member(session), 50, at=NOW).member_id
        session.execute(update(PointLot).values(remaining=49))
        session.commit()
    job = all_jobs()["points"]
    assert run_if_due(sessions, job, now=NOW)
    with sessions.reading() as session:
        assert reported(session) == [member_id]
        found = findings(session, jobs_due=[], now=NOW, machine=machine_now(session))
        kinds = {each.kind: each.count for each in found}
        assert kinds["points_differ"] == 1
        assert differing(session) == [member_id]
    assert run_if_due(sessions, job, now=NOW + DAY)
    with sessions.reading() as session:
        assert (differing(session), reported(session)) == ([], [])
