"""A job runs once for its period, whoever and however many try; a killed run is taken up."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from jobs.runner import Job, run_if_due
from jobs.timetable import Schedule, daily, every
from models.automation import JobRun
from models.session import Sessions
from models.staff import Staff
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


def slow_job(schedule: Schedule, run: Any) -> Job:
    return Job("slow", "Takes its time.", schedule, run)


def overtake(sessions: Sessions, job: Job) -> bool:
    """What happens while the first holder is paused for longer than its lease: another runs the job."""
    with sessions.writing() as session:
        session.execute(update(JobRun).values(lease_until=datetime.now(UTC) - timedelta(hours=1)))
        session.commit()
    return run_if_due(sessions, job, now=NOW)


def test_a_holder_that_was_overtaken_writes_nothing_more(sessions: Sessions) -> None:
    name = "test of fencing"
    order: list[str] = []

    def late(mine: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        with mine.writing() as session:
            session.add(staff_named(name))
            session.flush()
            if sessions.engine.dialect.name == "sqlite":  # one writer at a time: the other must come in between
                session.rollback()
            assert overtake(sessions, slow_job(daily("03:10"), quick))
            if sessions.engine.dialect.name == "sqlite":
                session.add(staff_named(name))
            session.commit()
        order.append("late committed")
        return {}

    def quick(mine: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        order.append("overtaken")
        return {"by": "quick"}

    assert not run_if_due(sessions, slow_job(daily("03:10"), late), now=NOW)
    assert order == ["overtaken"]
    with sessions.reading() as session:
        row = session.scalars(select(JobRun)).one()
        assert (row.state, row.report, row.fence) == ("done", {"by": "quick"}, 2)
        assert session.scalar(select(func.count()).where(Staff.name == name)) == 0


def staff_named(name: str) -> Staff:
    return Staff(login="fenced", name=name, role="viewer", created_at=NOW)


def test_a_process_that_must_stop_lets_go_between_two_transactions(sessions: Sessions) -> None:
    stop, pieces = threading.Event(), list[int]()

    def run(mine: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        for n in range(3):
            with mine.writing() as session:
                session.commit()
            pieces.append(n)
            stop.set()
        return {}

    job = slow_job(daily("03:10"), run)
    assert not run_if_due(sessions, job, now=NOW, stop=stop)
    assert pieces == [0]
    assert run_if_due(sessions, job, now=NOW)  # at once: nobody waits for a lease to pass


def test_a_lease_is_kept_while_the_work_goes_on(sessions: Sessions) -> None:
    """Longer than the lease, and nobody else gets in."""
    began, runs = threading.Event(), list[int]()
    go_on = threading.Event()

    def run(_mine: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        runs.append(1)
        began.set()
        go_on.wait(60)
        return {}

    job = slow_job(daily("03:10"), run)
    lease = timedelta(seconds=2)
    holder = threading.Thread(target=run_if_due, args=(sessions, job), kwargs={"now": NOW, "lease": lease})
    holder.start()
    assert began.wait(30)
    first = lease_of(sessions)
    until = time.monotonic() + 30
    while lease_of(sessions) == first and time.monotonic() < until:
        time.sleep(0.05)
    assert lease_of(sessions) > first
    assert not run_if_due(sessions, job, now=NOW, lease=lease)
    go_on.set()
    holder.join(30)
    assert runs == [1]


def lease_of(sessions: Sessions) -> datetime:
    with sessions.reading() as session:
        found = session.scalars(select(JobRun.lease_until)).one()
    assert found is not None
    return found
