#!/usr/bin/env python3
"""Set up, try, test and check Regulars. The standard library alone; Python 3.11 or newer, pip and git are enough.

python3 run.py demo           everything on this machine, with a practice town, no account needed
python3 run.py test [ARGS]    all tests, on SQLite and on a PostgreSQL it starts itself
python3 run.py setup          only install what demo needs
python3 run.py check          lint, types, import contracts, translations
python3 run.py bench [NAME]   measurements, printed and written as JSON lines
python3 run.py torture [NAME] crash and overload tests at full size
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VAR = ROOT / "var"
APP_PORT, LINE_PORT = 8000, 8001
DEMO_SETTINGS = {
    "DATABASE_URL": f"sqlite:///{VAR / 'demo.db'}",
    "PUBLIC_URL": f"http://127.0.0.1:{APP_PORT}",
    "LINE_API_BASE": f"http://127.0.0.1:{LINE_PORT}",
    "LINE_CHANNEL_SECRET": "practice-channel-secret",
    "LINE_CHANNEL_ACCESS_TOKEN": "practice-access-token",
    "LINE_LOGIN_CHANNEL_ID": "1234567890",
    "LIFF_ID": "1234567890-AbcdEfgh",
}


class Stop(Exception):
    """Something is in the way; the message says what and what to do."""


# Setting up


def set_up(lock: str = "demo") -> None:
    """The virtual environment, with exactly what requirements/LOCK.txt pins, and the translations compiled."""
    if sys.version_info < (3, 11):  # noqa: UP036 (this file starts before any requirement is checked)
        raise Stop(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    with only_one("setup", "Another set-up of this checkout is running; wait for it to end."):
        make_venv()
        install(lock)
        compile_translations()


def make_venv() -> None:
    """A fresh one when there is none, or only half of one."""
    whole = VENV / ".whole"
    if whole.exists() and runs(PYTHON, "-c", ""):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    say("Making a virtual environment in .venv")
    # Without pip: Debian ships ensurepip apart, and pip can install into an environment that has none.
    run(sys.executable, "-m", "venv", "--without-pip", str(VENV))
    whole.touch()


def install(lock: str) -> None:
    """Downloads first, with progress, then installs from what was downloaded. Skipped when already done."""
    file = ROOT / "requirements" / f"{lock}.txt"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    stamp = VENV / f".installed-{lock}"
    if stamp.exists() and stamp.read_text() == digest:
        return
    if not runs(sys.executable, "-m", "pip", "--version"):
        raise Stop("pip is needed: on Debian, apt-get install python3-pip.")
    downloads = VENV / "downloads"
    pinned = ("--require-hashes", "--no-deps", "-r", str(file))
    say(f"Downloading what requirements/{lock}.txt pins (once)")
    began = time.monotonic()
    if not runs(*pip("download", "--dest", str(downloads), *pinned), quiet=False):
        raise Stop("The download failed: see above. Without a network this first step cannot be done; try again later.")
    say(f"Downloaded in {time.monotonic() - began:.0f} s. Installing")
    if not runs(*pip("install", "--quiet", "--no-index", "--find-links", str(downloads), *pinned), quiet=False):
        raise Stop("The installation failed: see above. Delete the folder .venv and start again.")
    shutil.rmtree(downloads, ignore_errors=True)
    stamp.write_text(digest)


def pip(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check", *arguments)


def compile_translations() -> None:
    """Catalogues that are newer than what was compiled from them."""
    for source in (ROOT / "domain" / "translations").glob("*/LC_MESSAGES/messages.po"):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            run(str(VENV / "bin" / "pybabel"), "--quiet", "compile", "-i", str(source), "-o", str(compiled),
                "-l", source.parent.parent.name)  # fmt: skip


# The demo


def demo() -> None:
    """Web, worker, clock and LINE on loopback, filled with the practice town, until Ctrl-C."""
    set_up()
    with only_one("demo", "The demo is already running in this checkout: stop it first (Ctrl-C where it runs)."):
        for port in (APP_PORT, LINE_PORT):
            if port_taken(port):
                raise Stop(f"Port {port} is in use by another program; stop that first, then start again.")
        environment = demo_environment()
        fill_town(environment)
        began = time.monotonic()
        with processes(environment) as running:
            wait_until_ready(running)
            publish_menus(environment)
            announce(time.monotonic() - began)
            wait_for_the_end(running)


def demo_environment() -> dict[str, str]:
    secret = VAR / "demo-secret"
    if not secret.exists():
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_hex(32))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LINE_", "TEST_"))}
    return {**kept, **DEMO_SETTINGS, "SECRET_KEY": secret.read_text(), "FLASK_APP": "app:create_app"}


def fill_town(environment: dict[str, str]) -> None:
    """Makes the town and imports it with the product's own commands; a half-filled one is begun again."""
    ready = VAR / "demo-ready"
    if ready.exists():
        flask("migrate", environment=environment)
        return
    for leftover in [*VAR.glob("demo.db*"), *VAR.glob("line-state*"), *VAR.glob("demo-menus")]:
        leftover.unlink()
    say("Building the practice town (about a minute, once)")
    run(str(PYTHON), "-m", "line.simulator.town", str(VAR / "town"), environment=environment)
    flask("migrate", environment=environment)
    flask("demo-fill", str(VAR / "town"), environment=environment)
    ready.touch()


def publish_menus(environment: dict[str, str]) -> None:
    """Gives the phones their menus, as `flask line menus` would for a real account; LINE remembers them."""
    done = VAR / "demo-menus"
    if not done.exists():
        flask("line", "menus", environment=environment)
        done.touch()


def flask(*arguments: str, environment: dict[str, str]) -> None:
    run(str(PYTHON), "-m", "flask", *arguments, environment=environment)


@contextlib.contextmanager
def processes(environment: dict[str, str]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The Procfile's processes and the simulator, each in a group of its own so that all of it stops."""
    gunicorn = [
        str(VENV / "bin" / "gunicorn"), "app:web()", "--bind", f"127.0.0.1:{APP_PORT}", "--worker-class", "gthread",
        "--workers", "1", "--threads", "16", "--no-control-socket", "--log-level", "warning",
    ]  # fmt: skip
    commands = {
        "LINE": [str(PYTHON), "-m", "line.simulator", "--port", str(LINE_PORT),
                 "--users", str(VAR / "town" / "users.jsonl"), "--state", str(VAR / "line-state.json")],
        "web": gunicorn,
        "worker": [str(PYTHON), "-m", "flask", "worker"],
        "clock": [str(PYTHON), "-m", "flask", "clock"],
    }  # fmt: skip
    running: dict[str, subprocess.Popen[bytes]] = {}
    logs = VAR / "logs"
    logs.mkdir(exist_ok=True)
    try:
        for name, command in commands.items():
            log = (logs / f"{name.lower()}.log").open("ab")
            running[name] = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        yield running
    finally:
        stop_all(list(running.values()))


def stop_all(running: list[subprocess.Popen[bytes]]) -> None:
    for how, patience in ((signal.SIGTERM, 8), (signal.SIGKILL, 2)):
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
        deadline = time.monotonic() + patience
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))


def wait_until_ready(running: dict[str, subprocess.Popen[bytes]]) -> None:
    addresses = [f"http://127.0.0.1:{APP_PORT}/readyz", f"http://127.0.0.1:{LINE_PORT}/"]
    deadline = time.monotonic() + 60
    while not all(answers(address) for address in addresses):
        complain_about_the_dead(running)
        if time.monotonic() > deadline:
            raise Stop("The demo did not come up within a minute; var/logs/ says why.")
        time.sleep(0.1)


def announce(seconds: float) -> None:
    people = VAR / "town" / "staff.txt"
    say(f"Regulars is up ({seconds:.0f} s). Open:")
    print(f"  the phones    http://127.0.0.1:{LINE_PORT}/")
    print(f"  the console   http://127.0.0.1:{APP_PORT}/console/")
    print(f"  the Review    http://127.0.0.1:{APP_PORT}/console/review")
    if people.exists():
        print("\nStaff of the practice town (they exist only here):")
        print("".join(f"  {line}\n" for line in people.read_text().splitlines()), end="")
    print("\nCtrl-C stops everything. Logs are in var/logs/.", flush=True)


def wait_for_the_end(running: dict[str, subprocess.Popen[bytes]]) -> None:
    for how in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(how, interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            complain_about_the_dead(running)
            time.sleep(0.5)
    print("\nStopping.", flush=True)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def complain_about_the_dead(running: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in running.items():
        if process.poll() is not None:
            raise Stop(f"{name} stopped by itself; var/logs/{name.lower()}.log says why.")


# Testing and measuring


def test(*arguments: str) -> None:
    """Every test; arguments go to pytest."""
    set_up("test")
    workers = () if "-n" in arguments else ("-n", str(min(4, os.cpu_count() or 1)))
    finish(str(PYTHON), "-m", "pytest", "-q", "-rs", *workers, *arguments)


def check() -> None:
    """Lint, formatting, types, import contracts, and whether every text is translated."""
    set_up("lint")
    bin = VENV / "bin"
    failed = [
        name
        for name, command in {
            "lint": [str(bin / "ruff"), "check", "."],
            "format": [str(bin / "ruff"), "format", "--check", "."],
            "types": [str(bin / "mypy")],
            "imports": [str(bin / "lint-imports")],
            "translations": [str(PYTHON), "-m", "tests.support.translations"],
        }.items()
        if not said_and_ran(name, command)
    ]
    if failed:
        raise Stop(f"check failed: {', '.join(failed)}")


def said_and_ran(name: str, command: list[str]) -> bool:
    say(name)
    return runs(*command, quiet=False)


def bench(*names: str) -> None:
    """Peers are installed for this alone."""
    programs("benchmarks", names, lock="bench")


def torture(*names: str) -> None:
    programs("torture", names, lock="test")


def programs(folder: str, names: tuple[str, ...], *, lock: str) -> None:
    """Runs the programs of tests/FOLDER: all of them, or the one named; options such as --small are handed on."""
    set_up(lock)
    found = (path.stem for path in (ROOT / "tests" / folder).glob("[a-z]*.py"))
    known = sorted(name for name in found if not name.startswith("test_"))
    name, more = (names[0], names[1:]) if names and not names[0].startswith("-") else (None, names)
    if name is not None and name not in known:
        raise Stop(f"There is no {name!r} in tests/{folder}; there are: {', '.join(known)}.")
    chosen = [(each, more) for each in ([name] if name else known)]
    failed = [
        name for name, more in chosen if not runs(str(PYTHON), "-m", f"tests.{folder}.{name}", *more, quiet=False)
    ]
    if failed:
        raise Stop(f"failed: {', '.join(failed)}")


# Small things


def say(words: str) -> None:
    print(f"\n{words}", flush=True)


def run(*command: str, environment: dict[str, str] | None = None) -> None:
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        raise Stop(f"This step failed, its own words are above: {' '.join(command[:6])}")


def runs(*command: str | Path, quiet: bool = True) -> bool:
    """Whether a command succeeds."""
    silence = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} if quiet else {}
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    with contextlib.suppress(OSError):
        return subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, **silence).returncode == 0
    return False


def finish(*command: str) -> None:
    """Runs a command and ends with its exit code."""
    sys.exit(subprocess.run(command, cwd=ROOT).returncode)


@contextlib.contextmanager
def only_one(name: str, otherwise: str) -> Iterator[None]:
    VAR.mkdir(exist_ok=True)
    with (VAR / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Stop(otherwise) from None
        yield


def port_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


COMMANDS: dict[str, Callable[..., None]] = {
    "setup": set_up, "demo": demo, "test": test, "check": check, "bench": bench, "torture": torture,
}  # fmt: skip


def main() -> None:
    name, *arguments = sys.argv[1:] or ["help"]
    if name not in COMMANDS:
        sys.exit(__doc__)
    try:
        COMMANDS[name](*arguments)
    except Stop as stopped:
        sys.exit(f"\n{stopped}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")


if __name__ == "__main__":
    main()
