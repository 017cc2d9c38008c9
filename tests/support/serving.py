"""The web process as the Procfile starts it, and a crowd that asks it everything at once."""

import http.client
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from itsdangerous import URLSafeTimedSerializer

from liff import session as liff_session
from tests.support import databases
from tests.support.world import free_port

SECRET = "a-secret-only-tests-know-0123456789"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    tries: int


@contextmanager
def web_server(database_url: str) -> Iterator[str]:
    """Runs the Procfile's `web` line on a free port; yields its address."""
    port = free_port()
    line = next(each for each in (ROOT / "Procfile").read_text().splitlines() if each.startswith("web:"))
    command = shlex.split(line.removeprefix("web:").replace("$PORT", str(port)).replace("0.0.0.0", "127.0.0.1"))
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=_environment(database_url, port), stdout=log, stderr=log
        )
        try:
            _wait_for(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(15)


def _environment(database_url: str, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LINE_CHANNEL_SECRET": "secret",
        "LINE_CHANNEL_ACCESS_TOKEN": "token",
        "LINE_LOGIN_CHANNEL_ID": databases.LOGIN_CHANNEL_ID,
        "LIFF_ID": databases.LIFF_ID,
        "PORT": str(port),
    }


def _wait_for(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/liff/api/card")
            if connection.getresponse().status < 500:
                return
        except OSError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.1)
    log.seek(0)
    raise AssertionError(f"the web process did not start: {log.read().decode()[-2000:]}")


def member_headers(url: str, member_ref: str) -> dict[str, str]:
    """What the browser of this member sends, signed in."""
    cookie = URLSafeTimedSerializer(SECRET, salt=liff_session.COOKIE).dumps(member_ref)
    return {
        "Cookie": f"{liff_session.COOKIE}={cookie}", "Origin": url,
        "Content-Type": "application/json", "Accept-Language": "en",
    }  # fmt: skip


def all_at_once(asks: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Every ask in a thread of its own, let go at the same moment."""
    gate, answers = threading.Barrier(len(asks)), [Answer(0, None, 0)] * len(asks)

    def run(at: int) -> None:
        gate.wait()
        answers[at] = asks[at]()

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def post(url: str, path: str, headers: dict[str, str], body: Any = None) -> Answer:
    """One POST; told 503, it waits as long as it is told and asks again, as the mini-app does."""
    host = url.removeprefix("http://")
    for tries in range(1, 20):
        connection = http.client.HTTPConnection(host, timeout=60)
        payload = body if isinstance(body, str) else json.dumps(body or {})
        connection.request("POST", path, payload, headers)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        if answer.status != 503:
            is_json = "json" in answer.headers.get("Content-Type", "")
            return Answer(answer.status, json.loads(raw) if is_json else raw, tries)
        time.sleep(float(answer.headers["Retry-After"]))
    raise AssertionError("still busy after twenty tries")
