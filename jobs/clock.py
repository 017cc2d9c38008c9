"""The clock process: looks at the timetable every few seconds and runs what is due, in order.

Only one clock acts: the others wait for its lock. In practice mode it also walks time forward, stopping
every few hours of the town's life so that each day's jobs run on their day.
"""

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Connection, func, select

from door import Service
from jobs.runner import Job, all_jobs, run_if_due
from jobs.timetable import Every
from models.clock import PracticeClock
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.session import Sessions

log = structlog.get_logger()
LOOK_SECONDS = 5
ADVISORY_LOCK = 7_246_001
WALK_HOURS = 6
SENDING_PATIENCE_SECONDS = 20


class TheClock:
    """Runs until told to stop. `tick` is one look, for tests."""

    def __init__(self, service: Service) -> None:
        self.sessions = service.sessions
        self.clock = service.clock

    def run(self, stop: threading.Event) -> None:
        with only_clock(self.sessions, stop):
            scheduler = BackgroundScheduler(timezone=UTC)
            look = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
            scheduler.add_job(self.tick, "interval", seconds=LOOK_SECONDS, args=[stop], **look)
            scheduler.add_job(self.tick, args=[stop], **look)
            scheduler.start()
            stop.wait()
            scheduler.shutdown(wait=True)

    def tick(self, stop: threading.Event | None = None) -> None:
        stop = stop or threading.Event()
        if self.clock.practice:
            self.walk(stop)
        self.run_due(stop)

    def run_due(self, stop: threading.Event) -> list[str]:
        """Everything due now, each once, in the order in which it fell due."""
        with self.sessions.reading() as session:
            now = self.clock.now(session)
        ran = []
        for job in sorted(all_jobs().values(), key=_time_of_day):
            if stop.is_set():
                break
            if run_if_due(self.sessions, job, now=now):
                ran.append(job.name)
        return ran

    def walk(self, stop: threading.Event) -> None:
        """Goes to the practice clock's target in steps of a few hours, running what falls due on the way."""
        while not stop.is_set():
            with self.sessions.writing() as session:
                row = session.get(PracticeClock, 1)
                if row is None or row.offset_seconds >= row.target_seconds:
                    return
                step = min(WALK_HOURS * 3600, row.target_seconds - row.offset_seconds)
                row.offset_seconds += step
                row.working = (datetime.now(UTC) + timedelta(seconds=row.offset_seconds)).date().isoformat()
                session.commit()
            self.run_due(stop)
            self._let_the_sender_finish(stop)
            with self.sessions.writing() as session:
                row = session.get(PracticeClock, 1)
                if row is not None and row.offset_seconds >= row.target_seconds:
                    row.working = None
                session.commit()

    def _let_the_sender_finish(self, stop: threading.Event) -> None:
        """A day is over when what it said has been sent; a stuck sender does not stop time for ever."""
        give_up = time.monotonic() + SENDING_PATIENCE_SECONDS
        while time.monotonic() < give_up and not stop.is_set():
            with self.sessions.reading() as session:
                now = self.clock.now(session)
                waiting = select(func.count()).where(
                    OutgoingMessage.state.in_(("queued", "claimed")), OutgoingMessage.due_at <= now
                )
                if the_brand(session).is_quiet(now):  # news that is late waits for the morning
                    waiting = waiting.where(OutgoingMessage.kind != "marketing")
                if not session.scalar(waiting):
                    return
            time.sleep(0.2)


def _time_of_day(job: Job) -> tuple[int, str, str]:
    """Nightly jobs in the order of their hour, then the frequent ones."""
    if isinstance(job.schedule, Every):
        return 1, "", job.name
    return 0, job.schedule.at, job.name


@contextmanager
def only_clock(sessions: Sessions, stop: threading.Event) -> Iterator[None]:
    """Waits until no other clock runs: an advisory lock on PostgreSQL, a locked file beside SQLite."""
    if sessions.engine.dialect.name == "postgresql":
        with sessions.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not _take_advisory_lock(connection) and not stop.wait(2):
                pass
            yield
        return
    path = Path(f"{sessions.engine.url.database}.clock")
    with path.open("w") as handle:
        while not _take_file_lock(handle.fileno()) and not stop.wait(2):
            pass
        yield


def _take_advisory_lock(connection: Connection) -> bool:
    return bool(connection.scalar(select(func.pg_try_advisory_lock(ADVISORY_LOCK))))


def _take_file_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
