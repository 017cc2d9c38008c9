"""What every torture program shares: its options, its databases, one printed line and one line in var/torture.jsonl."""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import make_url, text

from models.session import make_engine
from tests.benchmarks._bench import machine
from tests.support import databases
from tests.support.postgres import PostgresServer

RESULTS = Path(__file__).parents[2] / "var" / "torture.jsonl"
# As in production: what was committed survives a crash.
DURABLE = ("fsync=on", "full_page_writes=on", "max_connections=200", "shared_buffers=512MB")
# Counts that must be nought whatever else a fault does.
NEVER = (
    "doubles",
    "missed",
    "false_200",
    "lost",
    "oversold",
    "accepted_wrongly",
    "over_the_limit",
    "violations",
    "resent_by_itself",
    "charged_for_429",
)
# What a program that claims to have reached a limit must have come to, of that limit.
NEAR = 0.8
numbers = count(1)


@dataclass
class Trial:
    """One run of one fault on one database."""

    kind: str  # sqlite | postgresql
    is_small: bool
    folder: Path
    server: PostgresServer | None = None
    figures: dict[str, Any] = field(default_factory=dict)

    def note(self, **figures: Any) -> None:
        """Counts to be printed and kept."""
        self.figures.update(figures)

    def came_near(self, limits: Mapping[str, tuple[int, int]]) -> None:
        """Never above a limit says little when it is never approached: (worst second, limit) by endpoint.

        The small form has too little to send, or a busy machine: it says so and goes on.
        """
        far = [f"{name} {worst} of {limit}" for name, (worst, limit) in limits.items() if worst < NEAR * limit]
        if far:
            self.note(weakness=f"the limit was not approached: {', '.join(far)}")
        check(self.is_small or not far, f"the limit was not approached: {', '.join(far)}")

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of an empty database, dropped afterwards."""
        if self.kind == "sqlite":
            yield f"sqlite:///{self.folder / f'regulars-{next(numbers)}.db'}"
            return
        name = f"torture_{os.getpid()}_{next(numbers)}"
        url = make_url(os.environ["TEST_POSTGRES_URL"]).set(drivername="postgresql")
        _execute(url.render_as_string(hide_password=False), f'CREATE DATABASE "{name}"')
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            databases.drop(url.set(database=name).render_as_string(hide_password=False))


Run = Callable[[Trial], None]


def check(condition: object, words: str) -> None:
    """Raises AssertionError saying what went wrong."""
    if not condition:
        raise AssertionError(words)


def step(words: str) -> None:
    """Where a long run is; to standard error, so that the result stays one line."""
    print(f"  {time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def tried(fault: str, run: Run, trial: Trial) -> dict[str, Any]:
    """Runs one trial, prints and keeps its line. Raises AssertionError when something happened that never may."""
    began, failed = time.monotonic(), ""
    try:
        run(trial)
        wrong = {name: trial.figures[name] for name in NEVER if trial.figures.get(name)}
        failed = f"must be nought: {wrong}" if wrong else ""
    except AssertionError as error:
        failed = str(error) or "a check failed"
    line = {
        "fault": fault, "database": trial.kind, "small": trial.is_small, **trial.figures,
        "seconds": round(time.monotonic() - began, 1), "failed": failed[:500],
        "at": datetime.now(UTC).isoformat(timespec="seconds"), **machine(), "load": round(os.getloadavg()[0], 1),
        "engine": engine_version(trial),
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(line, default=str) + "\n")
    words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in trial.figures.items())
    print(f"{fault} {trial.kind}: {words} ({line['seconds']} s){f' FAILED: {failed}' if failed else ''}", flush=True)
    check(not failed, f"{fault} on {trial.kind}: {failed}")
    return line


def tried_small(fault: str, run: Run, kind: str, folder: Path) -> dict[str, Any]:
    """The short form, as the tests run it."""
    return tried(fault, run, Trial(kind, True, folder))


def program(fault: str, run: Run, *, doc: str, kinds: Sequence[str] = databases.KINDS) -> None:
    """A torture program's `main`: `--small`, `--database`, and a PostgreSQL of its own when it needs one."""
    options = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--small", action="store_true", help="a short version, under half a minute")
    options.add_argument("--database", choices=kinds, help="only this one (default: all it is meant for)")
    chosen = options.parse_args()
    failures = []
    for kind in [chosen.database] if chosen.database else kinds:
        with no_orphans(), own_server(kind) as server, own_folder(fault) as folder:
            try:
                tried(fault, run, Trial(kind, chosen.small, folder, server))
            except AssertionError as error:
                failures.append(str(error))
    if failures:
        sys.exit("\n".join(f"FAILED: {each}" for each in failures))


@contextmanager
def own_folder(fault: str) -> Iterator[Path]:
    """A temporary folder; what its processes were still writing does not keep it from going."""
    with tempfile.TemporaryDirectory(prefix=f"torture-{fault.split()[0]}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def no_orphans() -> Iterator[None]:
    """Told to stop, a program ends as it would have ended; whatever is left of what it started is killed."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _stop)
    try:
        yield
    finally:
        left = psutil.Process().children(recursive=True)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=10)


def _stop(number: int, _frame: object) -> None:
    """Once: cleaning up is not to be interrupted by being told again."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit("stopped")


@contextmanager
def own_server(kind: str, settings: tuple[str, ...] = DURABLE) -> Iterator[PostgresServer | None]:
    """A durable PostgreSQL for one program; nothing for SQLite."""
    if kind == "sqlite":
        yield None
        return
    server, before = PostgresServer(settings), os.environ.get("TEST_POSTGRES_URL")
    os.environ["TEST_POSTGRES_URL"] = server.url
    try:
        yield server
    finally:
        restore_environment({"TEST_POSTGRES_URL": before})
        server.remove()


def restore_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def engine_version(trial: Trial) -> str:
    """What the database calls itself, for the kept line."""
    import sqlite3

    if trial.kind == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    engine = make_engine(os.environ["TEST_POSTGRES_URL"])
    try:
        with engine.connect() as connection:
            return f"PostgreSQL {connection.scalar(text('SHOW server_version'))}"
    except Exception as error:  # a server that the fault left down is told of elsewhere
        return f"PostgreSQL ({type(error).__name__})"
    finally:
        engine.dispose()


def _execute(url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
