"""Wake-ups and queued work: nothing is lost with a ring, and nothing is queued by what was rolled back."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

import jobs.queue
from door import Service
from jobs.queue import QueuedJobs
from jobs.runner import Job, run_if_due
from jobs.timetable import daily, every
from models import wake
from models.automation import JobRun
from models.channel import the_channel
from models.clock import Clock
from models.inbox import InboundBody
from models.session import Sessions
from models.wake import Bell, Bells, Rest

PATIENCE = 30.0


def eventually(is_so: Callable[[], Any]) -> bool:
    until = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def running(loop: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=loop, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def service_of(sessions: Sessions) -> Service:
    return Service(
        sessions=sessions, clock=Clock(), secret_key="", public_url="", channel_secret="",
        login_channel_id="", liff_id="", practice_origin="", metrics_key="",
    )  # fmt: skip


def is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


@pytest.fixture
def on_postgresql(sessions: Sessions) -> Sessions:
    if sessions.engine.dialect.name != "postgresql":
        pytest.skip("SQLite finds its work by looking")
    return sessions


def store_a_body(sessions: Sessions) -> None:
    with sessions.writing() as session:
        row = {"channel_id": the_channel(session).id, "received_at": datetime.now(UTC), "body": b"{}"}
        session.execute(insert(InboundBody), [row])
        session.commit()


def test_a_ring_while_nobody_waits_is_kept() -> None:
    bell = Bell()
    bell.ring()
    assert bell.wait(threading.Event(), 0.01)
    assert not bell.wait(threading.Event(), 0.01)


def test_who_is_to_stop_does_not_wait_for_the_bell() -> None:
    stop = threading.Event()
    stop.set()
    began = time.monotonic()
    assert not Bell().wait(stop, 60)
    assert time.monotonic() - began < 30


def test_looks_come_seldom_only_where_a_bell_would_ring() -> None:
    bells = Bells()
    rest = Rest(bells)
    assert [rest.after(0) for _ in range(5)] == [wake.SHORTEST] * 5
    bells.is_heard = True
    seconds = [rest.after(0) for _ in range(12)]
    assert seconds[-1] == wake.LONGEST
    assert seconds == sorted(seconds)
    assert (rest.after(1), rest.after(0)) == (0.0, wake.SHORTEST)


def test_a_stored_body_rings_in_another_process(on_postgresql: Sessions) -> None:
    bells = Bells()  # as of another process: only the database is shared
    with running(wake.listener(on_postgresql.engine, bells)):
        assert eventually(lambda: bells.is_heard)
        bells[wake.INBOX].wait(threading.Event(), 0.0)
        store_a_body(on_postgresql)
        assert bells[wake.INBOX].wait(threading.Event(), PATIENCE)


def test_the_listener_comes_back_after_the_database_was_away(on_postgresql: Sessions) -> None:
    bells = Bells()
    with running(wake.listener(on_postgresql.engine, bells)):
        assert eventually(lambda: bells.is_heard)
        bells.is_heard = False
        with on_postgresql.writing() as session:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            session.execute(text(others + " AND datname = current_database() AND query LIKE 'LISTEN%'"))
        assert eventually(lambda: bells.is_heard)


def test_a_crowd_of_writers_rings_few_times(on_postgresql: Sessions) -> None:
    """Every notifying commit of a server stands in one line; only one in many may."""
    bells = Bells()
    heard: list[float] = []
    with running(wake.listener(on_postgresql.engine, bells)):
        assert eventually(lambda: bells.is_heard)
        bells[wake.INBOX].hear(lambda: heard.append(time.monotonic()))
        began = time.monotonic()
        for _ in range(60):
            store_a_body(on_postgresql)
        took = time.monotonic() - began
        assert eventually(lambda: heard)
    assert len(heard) <= took * 10 + 2


def deferred(session: Session) -> list[str]:
    return list(session.scalars(text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")))


def test_a_job_is_queued_with_the_fact_that_asks_for_it(on_postgresql: Sessions) -> None:
    with on_postgresql.writing() as session:
        wake.defer(session, "run_job", name="rollups")
    with on_postgresql.writing() as session:
        assert deferred(session) == []
        wake.defer(session, "run_job", name="rollups")
        session.commit()
        assert deferred(session) == ["run_job"]


def test_the_same_work_waits_once(on_postgresql: Sessions) -> None:
    with on_postgresql.writing() as session:
        handed = [wake.defer(session, "run_job", once="scores:today", name="scores") for _ in range(3)]
        session.commit()
        assert (handed, deferred(session)) == ([True, False, False], ["run_job"])


def test_what_somebody_asked_for_is_not_kept_waiting_for_its_minute(
    on_postgresql: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[datetime] = []

    def run(_sessions: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        ran.append(now)
        return {}

    job = Job("counting", "Counts.", every(minutes=60), run)
    monkeypatch.setattr(jobs.queue, "all_jobs", lambda: {"counting": job})
    assert run_if_due(on_postgresql, job, now=datetime.now(UTC))
    with running(QueuedJobs(service_of(on_postgresql)).run):
        with on_postgresql.writing() as session:
            wake.defer(session, wake.RUN_JOB, name="counting")  # done for this hour
            wake.defer(session, wake.RUN_JOB, name="counting", asked=True)
            session.commit()
        assert eventually(lambda: len(ran) == 2)
        assert eventually(lambda: _left(on_postgresql) == 0)


def test_nothing_is_queued_on_sqlite(session: Session) -> None:
    if not is_postgresql(session):
        assert not wake.defer(session, wake.RUN_JOB, name="rollups")


def test_a_handed_out_job_is_run_once_by_one_of_two_workers(
    on_postgresql: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[datetime] = []

    def run(_sessions: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        ran.append(now)
        return {}

    job = Job("counting", "Counts.", daily("00:00"), run)
    monkeypatch.setattr(jobs.queue, "all_jobs", lambda: {"counting": job})
    service = service_of(on_postgresql)
    with running(QueuedJobs(service).run), running(QueuedJobs(service).run):
        for _ in range(4):
            with on_postgresql.writing() as session:
                wake.defer(session, "run_job", lock="night", name="counting")
                wake.defer(session, "run_job", name="a job of a newer version")
                session.commit()
        assert eventually(lambda: _left(on_postgresql) == 0)
    with on_postgresql.reading() as session:
        assert session.scalars(select(JobRun.state)).all() == ["done"]
    assert len(ran) == 1


def _left(sessions: Sessions) -> int:
    with sessions.reading() as session:
        return int(session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) or 0)


def test_work_of_a_worker_that_died_is_taken_up(on_postgresql: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = threading.Event()

    def run(_sessions: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        ran.set()
        return {}

    monkeypatch.setattr(jobs.queue, "all_jobs", lambda: {"counting": Job("counting", "", daily("00:00"), run)})
    with on_postgresql.writing() as session:
        wake.defer(session, "run_job", name="counting")
        session.flush()
        dead = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        worker = session.scalar(text(dead))
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id"), {"id": worker})
        session.commit()
    with running(QueuedJobs(service_of(on_postgresql)).run):
        assert ran.wait(PATIENCE)


def test_a_dead_workers_job_does_not_stand_before_its_successor(
    on_postgresql: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock handed it out again before anybody noticed the death; both have the same lock."""
    ran = threading.Event()

    def run(_sessions: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        ran.set()
        return {}

    monkeypatch.setattr(jobs.queue, "all_jobs", lambda: {"counting": Job("counting", "", daily("00:00"), run)})
    with on_postgresql.writing() as session:
        wake.defer(session, "run_job", once="counting:today", lock="night", name="counting")
        session.flush()
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))  # by a worker that was forgotten
        wake.defer(session, "run_job", once="counting:today", lock="night", name="counting")
        session.commit()
    with running(QueuedJobs(service_of(on_postgresql)).run):
        assert ran.wait(PATIENCE)
        assert eventually(lambda: _left(on_postgresql) == 0)
