"""What keeps a run's writes its own: every commit of a job asks, in its transaction, whether the run is still ours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import ColumnElement, and_, event, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models.automation import JobRun
from models.clock import machine_now
from models.session import Sessions

log = structlog.get_logger()
BEATS_A_LEASE = 4


class TakenOver(Exception):
    """Our lease ran out and another runner took the run up."""


class Interrupted(Exception):
    """This process is to stop; the run is let go between two of its transactions."""


@dataclass(frozen=True)
class Run:
    """A claimed run. `fence` grows with each claim, so that an old holder knows itself by it."""

    job: str
    period: str
    fence: int

    def is_mine(self) -> ColumnElement[bool]:
        """Of the job_run row: still as we claimed it."""
        return and_(JobRun.job == self.job, JobRun.period == self.period, JobRun.fence == self.fence)


class FencedSessions(Sessions):
    """The sessions of one run: nothing is committed once another runner has taken it over.

    The job_run row is held shared until the commit is through, so that nobody takes the run over between
    the question and the commit (on SQLite the transaction is the only writer anyhow).
    """

    def __init__(self, sessions: Sessions, run: Run, stop: threading.Event | None = None) -> None:
        super().__init__(sessions.engine)
        self.bells = sessions.bells
        self.run, self.stop = run, stop
        for maker in (self._writing, self._hurried):
            event.listen(maker, "before_commit", self._ask)

    def open(self, *, reading: bool = False, hurried: bool = False) -> Session:
        self._go_on()
        return super().open(reading=reading, hurried=hurried)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        self._go_on()
        with super().writing() as session:
            yield session

    def _go_on(self) -> None:
        if self.stop is not None and self.stop.is_set():
            raise Interrupted

    def _ask(self, session: Session) -> None:
        mine = select(JobRun.id).where(self.run.is_mine()).with_for_update(read=True)
        if session.connection().execute(mine).first() is None:
            raise TakenOver


@contextmanager
def lease_kept(sessions: Sessions, run: Run, lease: timedelta) -> Iterator[None]:
    """Renews the lease while the work goes on, so that only a dead or paused runner loses it."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(lease.total_seconds() / BEATS_A_LEASE):
            try:
                _renew(sessions, run, lease)
            except SQLAlchemyError as error:  # a busy or absent database; the next beat may get through
                log.warning("a lease was not renewed", job=run.job, error=str(error)[:300])

    heart = threading.Thread(target=renew, daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()


def _renew(sessions: Sessions, run: Run, lease: timedelta) -> None:
    with sessions.writing() as session:
        still = update(JobRun).where(run.is_mine(), JobRun.state == "running")
        session.execute(still.values(lease_until=machine_now(session) + lease))
        session.commit()
