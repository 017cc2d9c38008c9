"""B11: how soon it serves, what each process weighs and does when nobody asks, and which imports cost most.

    python run.py bench startup      (about a minute and a half)

The processes are the Procfile's own lines, on PostgreSQL and on SQLite. "Ready" is the first 200 of /readyz;
a worker and a clock are ready at their first sign of life. The demo's warm start is what `run.py demo` does when
its town is there already: migrate, then LINE's stand-in, web, worker and clock at once, until both answer.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import select

from models.running import Process
from models.session import Sessions, make_engine
from tests.benchmarks._bench import LINE, ROOT, cpu_seconds, database, load_now, postgres, report
from tests.support.world import free_port

IDLE_SECONDS = 10.0
PATIENCE = 120.0
KINDS = ("web", "worker", "clock")
IMPORTED = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)")


def main() -> None:
    with postgres() as server, tempfile.TemporaryDirectory(prefix="startup-") as folder:
        here = f"sqlite:///{folder}/idle.db"
        flask("migrate", url=here, folder=folder)
        figures: dict[str, Any] = {
            "postgresql_processes": measured(database(server.url, "idle"), folder),
            "sqlite_processes": measured(here, folder),
            "demo_warm_start_s": warm_start(here, folder),
            "imports_ms": worst_imports(here),
            "load": load_now(),
        }
        report("startup", figures, server=server)


def environment(url: str, port: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    address = f"http://127.0.0.1:{port}"
    return {
        **kept,
        **LINE,
        "DATABASE_URL": url,
        "PUBLIC_URL": address,
        "PORT": str(port),
        "FLASK_APP": "app:create_app",
    }


def flask(*words: str, url: str, folder: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "flask", *words], cwd=ROOT, env=environment(url, 1), check=True, capture_output=True
    )


@contextmanager
def running(command: list[str], *, env: dict[str, str], folder: str) -> Iterator[subprocess.Popen[bytes]]:
    with Path(folder, "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def procfile(kind: str, port: int) -> list[str]:
    line = next(each for each in (ROOT / "Procfile").read_text().splitlines() if each.startswith(f"{kind}:"))
    return shlex.split(line.split(":", 1)[1].replace("$PORT", str(port)).replace("0.0.0.0", "127.0.0.1"))


def measured(url: str, folder: str) -> dict[str, Any]:
    """Each kind alone: seconds to ready, memory, and CPU while nothing happens."""
    print(f"\n{url.split(':')[0]:14} {'ready s':>8} {'processes: unique MB each':>34} {'idle CPU %':>11}")
    found = {}
    for kind in KINDS:
        port = free_port()
        began = time.monotonic()
        with running(procfile(kind, port), env=environment(url, port), folder=folder) as process:
            until(ready(kind, url, port), f"{kind} to be ready; see {folder}/log")
            seconds = time.monotonic() - began
            time.sleep(2)  # what it does once at the start is over
            spent = cpu_seconds(process.pid)
            time.sleep(IDLE_SECONDS)
            idle = (cpu_seconds(process.pid) - spent) / IDLE_SECONDS * 100
            memory = [round(each, 1) for each in unique_megabytes(process.pid)]
        print(f"  {kind:12} {seconds:8.1f} {', '.join(map(str, memory)):>34} {idle:11.2f}")
        found[kind] = {"ready_s": seconds, "unique_mb": memory, "idle_cpu_percent": idle}
    return found


def ready(kind: str, url: str, port: int) -> Callable[[], bool]:
    if kind == "web":
        return lambda: answers(f"http://127.0.0.1:{port}/readyz")
    return lambda: has_beaten(url, kind)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def has_beaten(url: str, kind: str) -> bool:
    engine = make_engine(url)
    with Sessions(engine).reading() as session:
        found = session.scalar(select(Process.name).where(Process.kind == kind)) is not None
    engine.dispose()
    return found


def until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(f"waited {PATIENCE:.0f} s for {what}")
        time.sleep(0.05)


def unique_megabytes(pid: int) -> list[float]:
    """What would be free if the process ended; of gunicorn's, its master first."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return [each.memory_full_info().uss / 2**20 for each in processes]


def warm_start(url: str, folder: str) -> float:
    port, line = free_port(), free_port()
    env = {**environment(url, port), "LINE_API_BASE": f"http://127.0.0.1:{line}"}
    began = time.monotonic()
    flask("migrate", url=url, folder=folder)
    simulator = ["line.simulator", "--port", str(line), "--state", f"{folder}/line-state.json"]
    with (
        running(simulator, env=env, folder=folder),
        running(procfile("web", port), env=env, folder=folder),
        running(procfile("worker", port), env=env, folder=folder),
        running(procfile("clock", port), env=env, folder=folder),
    ):
        until(lambda: all(map(answers, (f"http://127.0.0.1:{port}/readyz", f"http://127.0.0.1:{line}/"))), "the demo")
        seconds = time.monotonic() - began
    print(f"\ndemo, warm start (a town without people): {seconds:.1f} s")
    return seconds


def worst_imports(url: str) -> dict[str, dict[str, float]]:
    """Milliseconds of importing, by package, its own modules alone: the ten worst of the web process."""
    starting = "from app import web; app = web(); app.test_client().get('/readyz')"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", starting], cwd=ROOT, env=environment(url, 1),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    own: dict[str, float] = defaultdict(float)
    for microseconds, _, module in IMPORTED.findall(done.stderr):
        own[module.split(".")[0]] += int(microseconds) / 1000
    worst = dict(sorted(own.items(), key=lambda each: -each[1])[:10])
    print(f"\nimports of the web process: {sum(own.values()):.0f} ms, of it")
    for package, milliseconds in worst.items():
        print(f"  {package:24} {milliseconds:7.0f} ms")
    lazy = [
        name for name in ("linebot", "PIL", "pygal", "zxingcpp", "aiohttp", "alembic", "apscheduler") if name in own
    ]
    print(f"  imported although seldom needed: {', '.join(lazy) or 'none'}")
    return {"all": {"total": sum(own.values())}, "worst": worst}


if __name__ == "__main__":
    main()
