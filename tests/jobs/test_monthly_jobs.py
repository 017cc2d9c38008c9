"""The night's figures: scores, month ends and closings are made up when missed, and do no harm twice."""

import json
from datetime import UTC, date, datetime

from sqlalchemy import func, select

from app import create_app
from jobs import close_month, scores, snapshot
from models.score import MemberScore, MonthClose, Snapshot
from settings import Settings
from tests.support.factories import make_member, make_purchase
from tests.support.journey import local

NOW = datetime(2026, 7, 10, 2, 0, tzinfo=UTC)


def fill(sessions):
    with sessions.writing() as session:
        for n in range(3):
            member = make_member(session)
            make_purchase(session, member, paid_at=local(session, date(2026, 3, 5)), amount=100)
            if n:
                make_purchase(session, member, paid_at=local(session, date(2026, 5, 5)), amount=100)
        session.commit()


def quiet(_words):
    pass


def count(sessions, table):
    with sessions.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_missed_months_are_closed_in_order_and_once(sessions):
    fill(sessions)
    report = close_month.run(sessions, now=NOW, progress=quiet)
    assert report["closed"] == sorted(report["closed"])
    assert report["closed"][-1] == "2026-06"
    with sessions.reading() as session:
        june = session.scalars(select(MonthClose).where(MonthClose.month == "2026-06")).one()
        late = session.scalars(select(MonthClose.closed_late).where(MonthClose.month == "2026-05")).one()
    assert (june.closed_late, late) == (False, True)
    figures = june.figures["repurchase"]
    assert (figures["who"], figures["of"]) == (2, 3)
    assert close_month.run(sessions, now=NOW, progress=quiet) == {"closed": []}


def test_month_ends_are_taken_once(sessions):
    fill(sessions)
    assert snapshot.run(sessions, now=NOW, progress=quiet)["taken"][-1] == "2026-06"
    taken = count(sessions, Snapshot)
    assert snapshot.run(sessions, now=NOW, progress=quiet)["taken"] == []
    assert count(sessions, Snapshot) == taken


def test_a_night_that_changes_nothing_writes_nothing(sessions):
    fill(sessions)
    assert scores.run(sessions, now=NOW, progress=quiet)["changed"] == 3
    assert count(sessions, MemberScore) == 3
    assert scores.run(sessions, now=NOW, progress=quiet)["changed"] == 0


def test_the_command_prints_the_agreed_json(sessions, database_url):
    fill(sessions)
    close_month.run(sessions, now=NOW, progress=quiet)
    app = create_app(Settings(database_url=database_url, secret_key="only tests know this one"), sessions)
    runner = app.test_cli_runner()
    found = json.loads(runner.invoke(args=["metrics", "2026-06", "--json"]).output)
    assert (found["month"], found["closed"]) == ("2026-06", True)
    repurchase = found["metrics"]["repurchase"]
    assert (repurchase["numerator"], repurchase["denominator"], repurchase["previous"]) == (2, 3, None)
    assert "repurchase" in runner.invoke(args=["metrics", "2026-06"]).output
    refused = runner.invoke(args=["metrics", "June"])
    assert refused.exit_code == 1
    assert "'June' is not a month such as 2026-03" in refused.output
