"""A job runs once for its period, whoever and however many try; a killed run is taken up."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from jobs.runner import Job, run_if_due
from jobs.timetable import Schedule, daily, every
from models.automation import JobRun
from models.session import Sessions
from tests.support.moments import NOW


def counting_job(schedule: Schedule, runs: list[datetime]) -> Job:
    def run(_sessions: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        runs.append(now)
        return {"n": len(runs)}

    return Job("counting", "Counts its runs.", schedule, run)


def test_a_daily_job_runs_once_a_day_however_often_the_clock_looks(sessions: Sessions) -> None:
    runs: list[datetime] = []
    job = counting_job(daily("03:10"), runs)
    for minutes in (0, 5, 600):
        run_if_due(sessions, job, now=NOW + timedelta(minutes=minutes))
    run_if_due(sessions, job, now=NOW + timedelta(days=1))
    assert len(runs) == 2


def test_two_clocks_at_once_run_it_once(sessions: Sessions) -> None:
    runs: list[datetime] = []
    job = counting_job(daily("03:10"), runs)
    threads = [threading.Thread(target=run_if_due, args=(sessions, job), kwargs={"now": NOW}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1


def test_a_frequent_job_runs_again_after_its_interval(sessions: Sessions) -> None:
    runs: list[datetime] = []
    job = counting_job(every(minutes=5), runs)
    for minutes in (0, 1, 5, 6, 11):
        run_if_due(sessions, job, now=NOW + timedelta(minutes=minutes))
    assert len(runs) == 3


def test_a_run_whose_lease_has_passed_is_taken_up(sessions: Sessions) -> None:
    runs: list[datetime] = []
    job = counting_job(daily("03:10"), runs)
    run_if_due(sessions, job, now=NOW)
    with sessions.writing() as session:
        session.execute(update(JobRun).values(state="running", lease_until=datetime.now(UTC) - timedelta(seconds=1)))
        session.commit()
    run_if_due(sessions, job, now=NOW)
    assert len(runs) == 2


def test_a_failed_job_keeps_its_reason_and_is_tried_again_later(sessions: Sessions) -> None:
    def run(_sessions: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        raise ValueError("the disk is full")

    job = Job("failing", "Fails.", daily("03:10"), run)
    assert not run_if_due(sessions, job, now=NOW)
    with sessions.reading() as session:
        row = session.scalars(select(JobRun)).one()
    assert (row.state, "the disk is full" in (row.error or "")) == ("failed", True)
    assert row.lease_until is not None


@pytest.mark.parametrize(
    ("at", "expected"), [("03:10", "2026-03-10"), ("12:00", "2026-03-10"), ("12:01", "2026-03-09")]
)
def test_the_latest_due_day_follows_local_time(sessions: Sessions, at: str, expected: str) -> None:
    runs: list[datetime] = []
    run_if_due(sessions, counting_job(daily(at), runs), now=NOW)
    with sessions.reading() as session:
        assert session.scalars(select(JobRun.period)).one() == expected
