"""What every benchmark shares: a PostgreSQL of known settings, CPU time of processes, and the line that is written."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil
import psycopg
from alembic import command
from sqlalchemy import make_url

from domain.operations.setting_up import set_up
from jobs.commands import alembic_config
from models.session import Sessions, make_engine
from tests.support.postgres import PostgresServer

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "var" / "bench.jsonl"
# Durable as in production (fsync on); sized for the machine the figures are told of.
SETTINGS = (
    "shared_buffers=2GB", "effective_cache_size=8GB", "work_mem=64MB", "maintenance_work_mem=1GB",
    "max_wal_size=8GB", "wal_compression=on", "random_page_cost=1.1", "max_connections=100",
    "max_parallel_workers_per_gather=2", "jit=off",
)  # fmt: skip
LINE = {
    "LINE_CHANNEL_SECRET": "bench-secret",
    "LINE_CHANNEL_ACCESS_TOKEN": "bench-token",
    "LINE_LOGIN_CHANNEL_ID": "1650000000",
    "LIFF_ID": "1650000000-Regulars",
    "SECRET_KEY": "a secret key for measuring, 32 bytes or more",
    "PUBLIC_URL": "http://127.0.0.1:8000",
}


@contextmanager
def postgres(settings: tuple[str, ...] = SETTINGS) -> Iterator[PostgresServer]:
    """A server of our own for one benchmark, removed afterwards."""
    server = PostgresServer(settings)
    try:
        yield server
    finally:
        server.remove()


def database(server_url: str, name: str, *, template: str | None = None) -> str:
    """The address of a new, migrated database (or a copy of `template`) on that server."""
    address = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        copied = f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""
        connection.execute(f'CREATE DATABASE "{name}"{copied}'.encode())
    url = make_url(server_url).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    if template is None:
        command.upgrade(alembic_config(url), "head")
        _set_up(url)
    return url


def _set_up(url: str) -> None:
    engine = make_engine(url)
    with Sessions(engine).writing() as session:
        set_up(
            session, business_timezone="Asia/Taipei", currency="TWD", public_url=LINE["PUBLIC_URL"],
            liff_id=LINE["LIFF_ID"], login_channel_id=LINE["LINE_LOGIN_CHANNEL_ID"], now=datetime.now(UTC),
        )  # fmt: skip
        session.commit()
    engine.dispose()


def cpu_seconds(*pids: int) -> float:
    """User and system time of these processes and of all their children that live."""
    total = 0.0
    for pid in pids:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            try:
                spent = process.cpu_times()
                total += spent.user + spent.system + spent.children_user + spent.children_system
            except psutil.NoSuchProcess:
                continue
    return total


def timed(work: Callable[[], Any], *, rounds: int = 5, warm: int = 1) -> dict[str, float]:
    """Milliseconds of a piece of work: median, best and worst of `rounds`, after `warm` uncounted ones."""
    for _ in range(warm):
        work()
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1000)
    return {"median_ms": statistics.median(spent), "best_ms": min(spent), "worst_ms": max(spent)}


def report(name: str, figures: dict[str, Any], *, server: PostgresServer | None = None) -> None:
    """Prints the figures as a JSON line and keeps it in var/bench.jsonl."""
    line = {"bench": name, "at": datetime.now(UTC).isoformat(timespec="seconds"), **machine(), **_rounded(figures)}
    if server is not None:
        line["postgresql"] = f"{version_of(server.url)} {' '.join(server.settings)}"
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


@lru_cache
def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(), "python": platform.python_version(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
    }  # fmt: skip


def version_of(url: str) -> str:
    with psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]) if row else "?"


def load_now() -> float:
    """The machine's load average of the last minute: a figure taken on a busy machine says so."""
    return os.getloadavg()[0]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
