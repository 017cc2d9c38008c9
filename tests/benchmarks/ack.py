"""B1: what it costs to acknowledge a webhook, beside the SDK's sample echo bot and a bare app that only checks.

    python -m tests.benchmarks.ack [--seconds 8] [--rounds 3]

One signed post with one text event, PostgreSQL, gunicorn's threaded worker pinned to core 0; the load, the stub of
LINE and PostgreSQL on core 1. Each round measures the three in turn; the figures are medians over the rounds. About
two minutes.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from models.inbox import InboundBody
from models.session import Sessions, make_engine
from tests.benchmarks import _bench, _posts
from tests.support.world import free_port

APPS = {"ours": "app:web()", "echo": "tests.benchmarks._ack_peers:echo()", "bare": "tests.benchmarks._ack_peers:bare()"}
CONNECTIONS = 8
OUR_CORE, OTHER_CORE = 0, (os.cpu_count() or 1) - 1


@dataclass
class Figure:
    """One app in one round: CPU microseconds an acknowledgement, ours and PostgreSQL's, and how it felt."""

    cpu_us: float
    postgres_us: float
    per_second: float
    p99_ms: float


def gunicorn(app: str, port: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """The Procfile's web line, with one worker on one core."""
    command = [
        sys.executable, "-m", "gunicorn", app, "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
        "--workers", "1", "--threads", "8", "--no-control-socket", "--access-logfile", "/dev/null",
        "--log-level", "warning",
    ]  # fmt: skip
    return subprocess.Popen(
        command, cwd=_bench.ROOT, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, {OUR_CORE})
    )


@contextlib.contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def measure(name: str, environment: dict[str, str], postgres_pid: int, seconds: float) -> Figure:
    port = free_port()
    url = f"http://127.0.0.1:{port}/webhook"
    at = int(time.time() * 1000)
    body = _posts.body_of(_posts.text_event("hello", user="U" + "a" * 32, number=1, at=at))
    requests = [_posts.request_of(url, body, _bench.LINE["LINE_CHANNEL_SECRET"])]
    with running(gunicorn(APPS[name], port, environment)) as server:
        until_ready(url, requests[0])
        asyncio.run(_posts.as_fast_as_answered(url, requests, connections=CONNECTIONS, seconds=1.5))
        before, before_postgres = _bench.cpu_seconds(server.pid), _bench.cpu_seconds(postgres_pid)
        answers = asyncio.run(_posts.as_fast_as_answered(url, requests, connections=CONNECTIONS, seconds=seconds))
        spent = _bench.cpu_seconds(server.pid) - before
        spent_postgres = _bench.cpu_seconds(postgres_pid) - before_postgres
    count = answers.statuses[200]
    if set(answers.statuses) != {200}:
        sys.exit(f"FAILED: {name} answered {dict(answers.statuses)}")
    return Figure(spent / count * 1e6, spent_postgres / count * 1e6, count / answers.spent, answers.percentile(0.99))


def until_ready(url: str, request: bytes) -> None:
    until = time.monotonic() + 60
    while asyncio.run(_posts.Connection(url).send(request)) != 200:
        if time.monotonic() > until:
            sys.exit("FAILED: the server did not answer within a minute")
        time.sleep(0.1)


def stored(url: str) -> int:
    engine = make_engine(url)
    with Sessions(engine).reading() as session:
        count = int(session.scalar(select(func.count()).select_from(InboundBody)) or 0)
    engine.dispose()
    return count


def medians(figures: list[Figure]) -> Figure:
    return Figure(
        *(statistics.median(values) for values in zip(*(vars(each).values() for each in figures), strict=True))
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=8, help="of load per app and round (8)")
    options.add_argument("--rounds", type=int, default=3, help="(3)")
    options.add_argument("--only", choices=list(APPS), help="measure this one alone")
    chosen = options.parse_args()
    names = [chosen.only] if chosen.only else list(APPS)
    os.sched_setaffinity(0, {OTHER_CORE})
    stub_port = free_port()
    with _bench.postgres() as server:
        url = _bench.database(server.url, "ack")
        environment = {**os.environ, **_bench.LINE, "DATABASE_URL": url, "STUB": f"http://127.0.0.1:{stub_port}"}
        with running(
            subprocess.Popen([sys.executable, "-m", "tests.benchmarks._ack_peers", str(stub_port)], cwd=_bench.ROOT)
        ):
            figures: dict[str, list[Figure]] = {name: [] for name in names}
            for _ in range(chosen.rounds):
                for name in names:
                    figures[name].append(measure(name, environment, server.process.pid, chosen.seconds))
        tell({name: medians(each) for name, each in figures.items()}, stored(url), server)


def tell(figures: dict[str, Figure], bodies: int, server: _bench.PostgresServer) -> None:
    print(f"{'':6}{'CPU us/ack':>12}{'PostgreSQL us':>15}{'acks/s':>9}{'p99 ms':>8}   load {_bench.load_now():.1f}")
    for name, each in figures.items():
        print(f"{name:6}{each.cpu_us:12.0f}{each.postgres_us:15.0f}{each.per_second:9.0f}{each.p99_ms:8.1f}")
    told = {f"{name}_{key}": value for name, each in figures.items() for key, value in vars(each).items()}
    if len(figures) == len(APPS):
        told["ours_to_echo"] = figures["ours"].cpu_us / figures["echo"].cpu_us
        told["ours_to_bare"] = figures["ours"].cpu_us / figures["bare"].cpu_us
        print(f"ours / echo {told['ours_to_echo']:.2f} (goal 0.5)   ours / bare {told['ours_to_bare']:.2f} (goal 2.0)")
    _bench.report("B1 ack", {**told, "bodies_stored": bodies, "load": _bench.load_now()}, server=server)


if __name__ == "__main__":
    main()
