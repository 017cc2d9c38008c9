"""A whole Regulars in one test: the app on a port, LINE on another, and hands to move both.

`world.settle()` lets the worker read and send until nothing is left to do; `world.advance(days=1)` moves
business time as the practice panel does, running each day's jobs on its day.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app import create_app
from bot.inbox import InboxReader
from domain.operations.setting_up import set_up
from jobs.clock import TheClock
from jobs.queue import QueueReader
from line.sender import Sender
from line.simulator.testing import Simulator
from models.clock import PracticeClock
from models.session import Sessions, make_engine
from settings import Settings

START = datetime(2027, 1, 5, 4, 0, tzinfo=UTC)  # a Tuesday noon in Taipei


class World:
    """Everything running; use as a context manager."""

    def __init__(self, database_url: str, *, start: datetime = START, **settings: Any) -> None:
        self.line = Simulator(public_url=f"http://127.0.0.1:{free_port()}")
        self.sessions = Sessions(make_engine(database_url))
        self.start = start
        self._database_url = database_url
        self._more = settings

    def __enter__(self) -> "World":
        self.line.__enter__()
        channel = self.line.channel
        self.settings = Settings(
            database_url=self._database_url,
            secret_key="a-secret-only-tests-know-0123456789",
            public_url=channel.public_url,
            line_channel_secret=channel.secret,
            line_channel_access_token=channel.access_token,
            line_login_channel_id=channel.login_channel_id,
            liff_id=channel.liff_id,
            line_api_base=self.line.base_url,
            **self._more,
        )
        self.app = create_app(self.settings, self.sessions)
        self.service = self.app.extensions["regulars"]
        self.url = channel.public_url
        with self.sessions.writing() as session:
            set_up(
                session, business_timezone=self.settings.business_timezone, currency=self.settings.currency,
                public_url=self.url, liff_id=channel.liff_id, login_channel_id=channel.login_channel_id,
                now=datetime.now(UTC),
            )  # fmt: skip
            session.commit()
        self.go_to(self.start)
        port = int(self.url.rsplit(":", 1)[1])
        self._server = make_server("127.0.0.1", port, self.app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.reader = InboxReader(self.service)
        self.queue = QueueReader(self.service)
        self.sender = Sender(self.sessions, self.service.clock, self.service.extra["line"])
        self.clock = TheClock(self.service)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
        self.line.__exit__(None, None, None)
        self.sessions.engine.dispose()

    @property
    def now(self) -> datetime:
        with self.sessions.reading() as session:
            return self.service.clock.now(session)

    def go_to(self, moment: datetime) -> None:
        """Sets business time without running anything."""
        self._set_offset(int((moment - datetime.now(UTC)).total_seconds()))

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> None:
        """Moves time forward as the panel does: each day's jobs run on their day, and what they say is sent."""
        target = self.now + timedelta(days=days, hours=hours, minutes=minutes)
        while (left := target - self.now) > timedelta(seconds=2):
            step = min(left, timedelta(hours=6))
            with self.sessions.reading() as session:
                row = session.get(PracticeClock, 1)
                offset = row.offset_seconds if row else 0
            self._set_offset(offset + int(step.total_seconds()))
            self.clock.run_due(threading.Event())
            self.settle()

    def settle(self) -> None:
        """Reads, freezes and sends until nothing moves."""
        for _ in range(100):
            if not self.reader.step() + self.queue.step() + self.sender.drain():
                return
        raise AssertionError("the worker never came to rest")

    def session(self) -> Session:
        """A session to look (or set up) with; the caller closes it."""
        return self.sessions.open()

    def member(self, user_id: str) -> requests.Session:
        """The member's browser after opening the mini-app: signed in, with the app's own cookie."""
        browser = requests.Session()
        browser.headers.update({"Origin": self.url, "Accept-Language": "en"})
        answer = browser.post(f"{self.url}/liff/api/session", json={"id_token": self.line.id_token(user_id)})
        assert answer.status_code == 204, answer.text
        return browser

    def _set_offset(self, seconds: int) -> None:
        with self.sessions.writing() as session:
            row = session.get(PracticeClock, 1) or PracticeClock(id=1)
            row.offset_seconds = row.target_seconds = row.started_from = seconds
            session.add(row)
            session.commit()
        self.line.set_clock(seconds)


@contextmanager
def world_on(database_url: str, **settings: Any) -> Iterator[World]:
    with World(database_url, **settings) as world:
        yield world


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
