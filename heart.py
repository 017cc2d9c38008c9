"""A process's sign of life, and what it counts about itself.

`Heart` notes every few seconds that the process lives and adds what it counted to the table, so that any
process can tell for all of them. `Watched` is the outermost layer of the web process: it gives each request an
id and counts how long it took, the webhook's apart. Neither may ever be the reason why something is not served.
"""

import atexit
import os
import random
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from logs import REQUEST
from models import tallies
from models.clock import machine_now
from models.running import Process
from models.session import Sessions, insert_for

log = structlog.get_logger()
BEAT_SECONDS = 10.0
FORGOTTEN_AFTER = timedelta(hours=1)
DOORS = frozenset({"liff", "console", "api", "t", "readyz", "healthz", "metrics"})
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Heart:
    """Beats for one process until told to stop; `beat` is one, for tests."""

    def __init__(self, sessions: Sessions, kind: str, version: str) -> None:
        self.sessions, self.kind, self.version = sessions, kind, version
        self.name = f"{socket.gethostname()[:100]}:{os.getpid()}"
        self._began: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        while True:
            try:
                self.beat()
            except SQLAlchemyError as error:  # the database is away; what was counted is kept for the next beat
                log.warning("no sign of life could be left", error=type(error).__name__)
            if stop.wait(BEAT_SECONDS):
                return self.end()

    def beat(self) -> None:
        counts = tallies.taken()
        try:
            with self.sessions.writing() as session:
                moment = machine_now(session)
                self._began = self._began or moment
                row = insert_for(session)(Process).values(
                    name=self.name, kind=self.kind, version=self.version, started_at=self._began, seen_at=moment
                )
                session.execute(row.on_conflict_do_update(index_elements=["name"], set_={"seen_at": moment}))
                session.execute(delete(Process).where(Process.seen_at < moment - FORGOTTEN_AFTER))
                tallies.add_up(session, counts)
                session.commit()
        except BaseException:
            tallies.give_back(counts)
            raise

    def end(self) -> None:
        """Leaves nothing uncounted, and no sign of a life that is over."""
        try:
            self.beat()
            with self.sessions.writing() as session:
                session.execute(delete(Process).where(Process.name == self.name))
                session.commit()
        except SQLAlchemyError as error:
            log.warning("the last figures could not be added", error=type(error).__name__)

    def beat_aside(self) -> None:
        """In a thread of its own, until the process ends."""
        stop = threading.Event()
        thread = threading.Thread(target=self.run, args=(stop,), name="heart", daemon=True)
        thread.start()

        def ended() -> None:
            stop.set()
            thread.join(3)

        atexit.register(ended)


class Watched:
    """Every request of the web process passes here first and last."""

    def __init__(self, inner: Wsgi) -> None:
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request, status, began = f"{random.getrandbits(64):016x}", "500", perf_counter()
        token = REQUEST.set(request)

        def start(line: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal status
            status = line[:3]
            headers.append(("X-Request-Id", request))
            return start_response(line, headers, *error)

        try:
            return self._inner(environ, start)
        finally:
            _note(environ["PATH_INFO"], status, perf_counter() - began)
            REQUEST.reset(token)


def _note(path: str, status: str, seconds: float) -> None:
    if path == "/webhook":
        tallies.observe("regulars_ack_seconds", seconds, f'status="{status}"')
        return
    door = path.lstrip("/").split("/", 1)[0]
    door = door if door in DOORS else "other"
    tallies.observe("regulars_http_seconds", seconds, f'door="{door}",status="{status[0]}xx"')
    if status >= "500" and door not in {"readyz", "other"}:
        log.warning("answered with trouble", door=door, status=status, ms=round(seconds * 1000))
