"""Engine and sessions, with the settings that make SQLite safe to share between processes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session, sessionmaker

from models.arithmetic import DIGEST, LOCAL_DAY, MEDIAN, SqliteMedian, sqlite_digest, sqlite_local_day
from models.wake import Bells

BUSY_MILLISECONDS = 20_000
# Connections an engine keeps, and how many more it may open at once: docs/operations.md adds them up per process.
KEPT, MORE = 10, 10
HURRIED_MILLISECONDS = 2_000  # a person is waiting: better told to try again than kept


def insert_for(session: Session) -> Any:
    """The INSERT that knows ON CONFLICT for the database in use."""
    return postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert


def make_engine(url: str | URL, **options: Any) -> Engine:
    """An engine for `url`; plain `postgres://` addresses (as hosts hand them out) are understood."""
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    options = {"hide_parameters": True, **options}  # errors quote them, and they are somebody's data
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        return _tune_sqlite(create_engine(parsed, **options))
    return _tune_postgres(
        create_engine(parsed, **{"pool_pre_ping": True, "pool_size": KEPT, "max_overflow": MORE, **options})
    )


def _tune_postgres(engine: Engine) -> Engine:
    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("hurried", False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {HURRIED_MILLISECONDS}")

    return engine


def _tune_sqlite(engine: Engine) -> Engine:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # an acknowledged webhook survives a power cut
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")
        connection.create_function(LOCAL_DAY, 2, sqlite_local_day, deterministic=True)
        connection.create_aggregate(MEDIAN, 1, SqliteMedian)
        connection.create_function(DIGEST, 1, sqlite_digest, deterministic=True)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A deferred transaction that turns into a writer fails at once when another wrote meanwhile,
        # without waiting for busy_timeout; so writers take the lock first.
        chosen = connection.get_execution_options()
        reading, hurried = chosen.get("reading", False), chosen.get("hurried", False)
        if not reading:
            patience = HURRIED_MILLISECONDS if hurried else BUSY_MILLISECONDS
            connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def with_settings(url: URL, settings: Mapping[str, object], **options: Any) -> Engine:
    """A PostgreSQL engine of its own, whose connections start with these settings."""
    made = make_engine(url, pool_pre_ping=False, **options)

    @event.listens_for(made, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            for name, value in settings.items():
                cursor.execute(f"SET {name} = {value}")
        connection.commit()

    return made


def unhurried(sessions: "Sessions") -> "Sessions":
    """The same database for work that would be done again if it were lost: a commit does not wait for the disk.

    Whoever acts on what was written commits after it, in the same log, and waits for both. The bells are shared.
    """
    if sessions.engine.dialect.name != "postgresql":
        return sessions
    few = with_settings(sessions.engine.url, {"synchronous_commit": "off"}, pool_size=2, max_overflow=6)
    made = Sessions(few)
    made.bells = sessions.bells
    return made


class Sessions:
    """Where doors get their sessions: `writing()` may write, `reading()` must not."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.bells = Bells()
        self._writing = sessionmaker(engine, expire_on_commit=False)
        self._reading = sessionmaker(engine.execution_options(reading=True), expire_on_commit=False)
        self._hurried = sessionmaker(engine.execution_options(hurried=True), expire_on_commit=False)

    def open(self, *, reading: bool = False, hurried: bool = False) -> Session:
        """A session for its caller to close. A hurried one raises OperationalError rather than wait long for others."""
        if reading:
            return self._reading()
        return self._hurried() if hurried else self._writing()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose caller commits; what is not committed is rolled back."""
        with self._writing() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._reading() as session:
            yield session
