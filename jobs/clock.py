"""The clock process: looks at the timetable every few seconds and sees to it that what is due is run.

On SQLite it runs the jobs itself, in order, and a second clock waits for the first. On PostgreSQL it hands
them to the workers of any host, and any number of clocks may look: the database lets each run happen once.
In practice mode it also walks time forward, stopping every few hours of the town's life so that each day's
jobs run on their day.
"""

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from apscheduler.job import Job as ScheduledLook
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import func, select

from door import Service
from jobs.runner import LEASE, Due, Job, all_jobs, is_waiting, latest, run_if_due
from jobs.timetable import Every
from models import wake
from models.clock import PracticeClock
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.session import Sessions

log = structlog.get_logger()
LOOK_SECONDS = 5
WALKING_LOCK = 7_246_001
WALK_HOURS = 6
SENDING_PATIENCE_SECONDS = 20
NIGHT_LOCK = "night"  # nightly jobs rest on each other: one at a time, in their order


class TheClock:
    """Runs until told to stop. `tick` is one look, for tests."""

    def __init__(self, service: Service) -> None:
        self.sessions = service.sessions
        self.clock = service.clock
        self.lease = service.extra.get("job_lease", LEASE)

    def run(self, stop: threading.Event) -> None:
        with only_clock(self.sessions, stop):
            scheduler = BackgroundScheduler(timezone=UTC)
            look = scheduler.add_job(
                self.tick, "interval", seconds=LOOK_SECONDS, args=[stop], next_run_time=datetime.now(UTC),
                coalesce=True, max_instances=1, misfire_grace_time=None,
            )  # fmt: skip
            scheduler.start()
            while not stop.wait(LOOK_SECONDS):
                _keep_awake(look)
            scheduler.shutdown(wait=True)

    def tick(self, stop: threading.Event | None = None) -> None:
        stop = stop or threading.Event()
        if self.clock.practice:
            self._walk_alone(stop)
        if self.sessions.engine.dialect.name == "postgresql":
            self.hand_out_due()
        else:
            self.run_due(stop)

    def run_due(self, stop: threading.Event) -> list[str]:
        """Runs everything due now, each once, in the order in which it fell due."""
        with self.sessions.reading() as session:
            now = self.clock.shared_now(session)
        ran = []
        for job in in_order():
            if stop.is_set():
                break
            if run_if_due(self.sessions, job, now=now, lease=self.lease, stop=stop):
                ran.append(job.name)
        return ran

    def hand_out_due(self) -> list[str]:
        """Has workers run everything due now. What one of them dropped is handed out again, once its lease is over."""
        with self.sessions.reading() as session:
            now = self.clock.shared_now(session)
            waiting = [due for due in (latest(session, job, now=now) for job in in_order()) if is_waiting(session, due)]
        return [due.job.name for due in waiting if self._hand_out(due)]

    def _hand_out(self, due: Due) -> bool:
        name = due.job.name
        lock = None if isinstance(due.job.schedule, Every) else NIGHT_LOCK
        with self.sessions.writing() as session:
            handed = wake.defer(session, wake.RUN_JOB, once=f"{name}:{due.period}", lock=lock, name=name)
            session.commit()
        return handed

    def _walk_alone(self, stop: threading.Event) -> None:
        """Of several clocks, one walks."""
        if self._is_there():
            return
        if self.sessions.engine.dialect.name != "postgresql":
            self.walk(stop)
            return
        with self.sessions.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if connection.scalar(select(func.pg_try_advisory_lock(WALKING_LOCK))):
                try:
                    self.walk(stop)
                finally:
                    connection.scalar(select(func.pg_advisory_unlock(WALKING_LOCK)))

    def _is_there(self) -> bool:
        with self.sessions.reading() as session:
            row = session.get(PracticeClock, 1)
            return row is None or row.offset_seconds >= row.target_seconds

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


def _keep_awake(look: ScheduledLook) -> None:
    """A wall clock that was put back would leave the next look as far in the future: it comes now instead."""
    now = datetime.now(UTC)
    if look.next_run_time is not None and look.next_run_time > now + timedelta(seconds=2 * LOOK_SECONDS):
        look.modify(next_run_time=now)


def in_order() -> list[Job]:
    """Nightly jobs in the order of their hour, then the frequent ones."""
    return sorted(all_jobs().values(), key=_time_of_day)


def _time_of_day(job: Job) -> tuple[int, str, str]:
    if isinstance(job.schedule, Every):
        return 1, "", job.name
    return 0, job.schedule.at, job.name


@contextmanager
def only_clock(sessions: Sessions, stop: threading.Event) -> Iterator[None]:
    """On SQLite, waits until no other clock runs, by a locked file beside the database."""
    if sessions.engine.dialect.name == "postgresql":
        yield
        return
    path = Path(f"{sessions.engine.url.database}.clock")
    with path.open("w") as handle:
        while not _take_file_lock(handle.fileno()) and not stop.wait(2):
            pass
        yield


def _take_file_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
