"""Waking who waits for work: the inbox reader, the sender, the worker's queue; and queued work on PostgreSQL.

The truth is always a row of ours. A bell only says "look": losing a ring loses nothing, because everybody
also looks by themselves every so often, and two rings do no harm. On SQLite bells ring inside one process
and others are found by looking often. On PostgreSQL triggers (migration 0005) ring for every host, and
`defer` hands work to Procrastinate in the transaction of the fact that asks for it.
"""

import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from procrastinate import App
    from psycopg import Connection

log = structlog.get_logger()
INBOX, OUTBOX, WORK = "inbox", "outbox", "work"
CHANNEL = "regulars"
RUN_JOB = "run_job"  # the task of jobs/queue.py: a job of the timetable, by name
SLICE_SECONDS = 0.5  # how soon a waiting thread notices that it is to stop
SHORTEST, LONGEST = 0.15, 2.0  # seconds between looks: just after work, and when a bell would ring anyway
GROWTH = 1.5
RETRY_SECONDS = 2.0
WAITING = text("SELECT true FROM procrastinate_jobs WHERE queueing_lock = :once AND status = 'todo'")
STILL_THERE: dict[str, Any] = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


class Bell:
    """Rings when there may be something to look at. A ring while nobody waits is kept for who comes next."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._hearers: list[Callable[[], None]] = []

    def ring(self) -> None:
        self._rung.set()
        for hear in self._hearers:
            hear()

    def hear(self, call: Callable[[], None]) -> Callable[[], None]:
        """Also calls this, in the ringing thread, from now on; what is returned ends it."""
        self._hearers = [*self._hearers, call]
        return lambda: self._hearers.remove(call)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Until it rings (True), until `stop` is set, or so long."""
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            if self._rung.wait(min(left, SLICE_SECONDS)):
                self._rung.clear()
                return True
        return False


class Bells:
    """The bells of one process. `is_heard` while rings from other processes arrive too."""

    def __init__(self) -> None:
        self.is_heard = False
        self._bells = {name: Bell() for name in (INBOX, OUTBOX, WORK)}

    def __getitem__(self, name: str) -> Bell:
        return self._bells[name]

    def ring(self, name: str) -> None:
        """One by name; all for a name that is none."""
        for bell in [self._bells[name]] if name in self._bells else self._bells.values():
            bell.ring()


class Rest:
    """How long to wait between looks: briefly after work, then longer, if a bell would ring."""

    def __init__(self, bells: Bells) -> None:
        self.bells = bells
        self._seconds = SHORTEST

    def after(self, found: object) -> float:
        """Seconds to wait after a look; none after one that found something."""
        if found:
            self._seconds = SHORTEST
            return 0.0
        seconds = self._seconds
        self._seconds = min(self._seconds * GROWTH, LONGEST) if self.bells.is_heard else SHORTEST
        return seconds


def listener(engine: Engine, bells: Bells) -> Callable[[threading.Event], None]:
    """A loop that rings this process's bells when something rings in the database; PostgreSQL only.

    Where notifications do not arrive (a pooler that lends connections by transaction swallows them),
    nothing is heard, and everybody keeps looking often.
    """

    import psycopg  # on SQLite nobody pays for it

    def run(stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with psycopg.connect(address(engine), autocommit=True, **STILL_THERE) as connection:
                    _listen(connection, engine, bells, stop)
            except (psycopg.OperationalError, SQLAlchemyError) as error:  # theirs, or the engine's
                bells.is_heard = False
                log.warning("no wake-ups from the database; looking often meanwhile", error=str(error)[:300])
                stop.wait(RETRY_SECONDS)
        bells.ring("everything")

    return run


def _listen(connection: "Connection[Any]", engine: Engine, bells: Bells, stop: threading.Event) -> None:
    connection.execute(f"LISTEN {CHANNEL}".encode())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
        # By the way ours go: heard again, it says that rings arrive.
        other.exec_driver_sql("SELECT pg_notify(%s, 'everything')", (CHANNEL,))
    while not stop.is_set():
        for note in connection.notifies(timeout=SLICE_SECONDS):
            bells.is_heard = True
            bells.ring(note.payload)


def address(engine: Engine) -> str:
    """Where the engine connects to, as psycopg wants it."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def defer(session: Session, task: str, *, once: str | None = None, lock: str | None = None, **arguments: Any) -> bool:
    """Has a worker on any host do `task` (jobs/queue.py), if this transaction commits; PostgreSQL only.

    False when nothing was queued: one with the same `once` is waiting already. Those with the same `lock` are
    done one at a time, in order. On SQLite the clock finds the work by looking, and nothing is queued.
    """
    if session.get_bind().dialect.name != "postgresql" or (once and session.scalar(WAITING, {"once": once})):
        return False
    from procrastinate.exceptions import AlreadyEnqueued

    try:
        with session.begin_nested():
            # The session's own connection: a rollback takes the job with it.
            connection = session.connection().connection.driver_connection
            job = _deferring().configure_task(task, lock=lock, queueing_lock=once, connection=connection)
            job.defer(**arguments)
    except AlreadyEnqueued:
        return False
    return True


@lru_cache
def _deferring() -> "App":
    """Procrastinate, for putting jobs into a connection of ours; imported by who needs it."""
    from procrastinate import App, SyncPsycopgConnector

    return App(connector=SyncPsycopgConnector())
