"""The running product in real processes, as the Procfile starts them, with LINE beside them on loopback.

    with Product(database_url, folder) as product:
        product.start("web", "worker", "clock")
        product.kill("worker")
        product.line.deliveries()

Every process has a process group and a working folder of its own: a kill hits all of it and nothing else.
Several of one kind are called `worker`, `worker-2` and so on.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from sqlalchemy import make_url

from line.simulator.testing import Control
from line.simulator.world import Channel
from models.session import Sessions, make_engine
from tests.support.serving import SECRET
from tests.support.world import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0  # for anything to come up, on a machine that is busy with other things


class Product:
    """Web, worker, clock and LINE over one database. `start`, `kill`, `stop`, `pause` and `go_on` name processes."""

    def __init__(
        self, database_url: str, folder: Path, *, metrics_key: str = "", migrate: bool = True, **environment: str
    ) -> None:
        self.database_url, self.folder = database_url, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.channel = Channel(public_url=self.url)
        self.metrics_key = metrics_key
        self.code = ROOT  # whose files are run
        self._migrates = migrate
        self._more = environment
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._sessions: Sessions | None = None

    def __enter__(self) -> Self:
        try:
            self.line = Control(self._start_line())
            self.line.switch(keep_chats=False, openapi=False)
            if self._migrates:
                self.run("migrate")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def sessions(self) -> Sessions:
        """Our own look into the database, beside the product's."""
        if self._sessions is None:
            self._sessions = Sessions(make_engine(self.database_url))
        return self._sessions

    def close(self) -> None:
        """Ends every process; the polite way first."""
        for how, patience in ((signal.SIGCONT, 0.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
            for name in self._processes:
                self._signal(name, how)
            until = time.monotonic() + patience
            for process in self._processes.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.01, until - time.monotonic()))
        self._processes.clear()
        if self._sessions is not None:
            self._sessions.engine.dispose()
            self._sessions = None

    # processes

    def start(self, *names: str) -> None:
        """Starts what is named; returns once a `web` among them answers."""
        for name in names:
            self._processes[name] = self._popen(name, self.command(name))
        if "web" in names:
            self.wait_for_web()

    def command(self, name: str) -> list[str]:
        """What is started under a name: the Procfile's line."""
        return _command(name.partition("-")[0], self.port)

    def kill(self, *names: str) -> None:
        """SIGKILL to all of it, at once."""
        for name in names:
            self._signal(name, signal.SIGKILL)
        for name in names:
            self._processes.pop(name).wait(10)

    def kill_a_web_worker(self) -> bool:
        """SIGKILL to one of gunicorn's workers; gunicorn starts another."""
        for child in psutil.Process(self._processes["web"].pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
                return True
        return False

    def web_workers(self) -> list[int]:
        """The numbers of gunicorn's workers, in order."""
        return sorted(child.pid for child in psutil.Process(self._processes["web"].pid).children())

    def stop(self, *names: str) -> None:
        """SIGTERM, and waits until it has ended."""
        for name in names:
            self._signal(name, signal.SIGTERM)
        for name in names:
            self._processes.pop(name).wait(40)

    def pause(self, name: str) -> None:
        self._signal(name, signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def is_running(self, name: str) -> bool:
        return name in self._processes and self._processes[name].poll() is None

    def names(self) -> list[str]:
        """What was started and not ended by us."""
        return list(self._processes)

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def run(self, *command: str) -> str:
        """One `flask` command to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", *command],
            cwd=self._own_folder("command"), env=self.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"flask {' '.join(command)} failed: {(done.stdout + done.stderr)[-500:]}")
        return done.stdout

    def log(self, name: str) -> str:
        """What a process has written so far."""
        path = self.folder / name / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def environment(self) -> dict[str, str]:
        """The settings of every process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LINE_", "TEST_"))}
        return {
            **kept,
            "PYTHONPATH": str(self.code),
            "FLASK_APP": "app",
            "DATABASE_URL": self.database_url,
            "SECRET_KEY": SECRET,
            "PUBLIC_URL": self.url,
            "PORT": str(self.port),
            "LINE_CHANNEL_SECRET": self.channel.secret,
            "LINE_CHANNEL_ACCESS_TOKEN": self.channel.access_token,
            "LINE_LOGIN_CHANNEL_ID": self.channel.login_channel_id,
            "LIFF_ID": self.channel.liff_id,
            "LINE_API_BASE": self.line.base_url if hasattr(self, "line") else "",
            **({"METRICS_KEY": self.metrics_key} if self.metrics_key else {}),
            **self._more,
        }

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and body of one GET; status 0 when nothing answered."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_for_web(self) -> None:
        wait_until(lambda: self.get("/healthz")[0] == 200, "the web process to answer", watch=self)

    # what runs them

    def _start_line(self) -> str:
        process = self._popen("line", [sys.executable, "-m", "line.simulator", "--port", "0"])
        self._processes["line"] = process
        said = "listening on "
        wait_until(lambda: said in self.log("line"), "the simulator to start", watch=self)
        return self.log("line").split(said)[1].split()[0]

    def _popen(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        folder = self._own_folder(name)
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _own_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _signal(self, name: str, how: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._processes[name].pid, how)


def _command(kind: str, port: int) -> list[str]:
    """A line of the Procfile, as it stands, on loopback."""
    lines = dict(each.split(": ", 1) for each in (ROOT / "Procfile").read_text().splitlines() if each)
    words = shlex.split(lines[kind].replace("$PORT", str(port)).replace("0.0.0.0", "127.0.0.1"))
    return [sys.executable, "-m", *words]


def wait_until(
    is_so: Callable[[], Any], what: str, *, patience: float = PATIENCE, pause: float = 0.1, watch: Product | None = None
) -> float:
    """Waits for something to become true; returns the seconds it took. Raises AssertionError after `patience`."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > patience:
            logs = "".join(f"\n--- {path.parent.name}\n{path.read_text(errors='replace')[-1500:]}"
                           for path in sorted(watch.folder.glob("*/log"))) if watch else ""  # fmt: skip
            raise AssertionError(f"waited {patience:.0f} s in vain for {what}{logs}")
        time.sleep(pause)
    return time.monotonic() - began


def shown(url: str) -> str:
    """A database address fit for printing."""
    return make_url(url).render_as_string(hide_password=True)
