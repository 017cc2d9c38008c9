"""The shops' door through Flask's own client, on both databases, with a key."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from domain.operations.keying import add_key
from models.session import Sessions
from settings import Settings

SECRET = "a-secret-only-tests-know-0123456789"


class FixedClock:
    """Business time stands still at the tests' moment."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self, _session: object) -> datetime:
        return self._now


@pytest.fixture
def app(sessions: Sessions, database_url: str, now: datetime) -> Flask:
    settings = Settings(
        database_url=database_url, secret_key=SECRET, metrics_key="measure", public_url="http://127.0.0.1"
    )
    made = create_app(settings, sessions)
    object.__setattr__(made.extensions["regulars"], "clock", FixedClock(now))
    return made


class Till:
    """A shop's system with a key."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {key}"}

    def post(self, what: str, *items: dict[str, Any]) -> Any:
        return self.client.post(f"/api/v1/{what}", json={"items": list(items)}, headers=self.headers)


@pytest.fixture
def till(app: Flask, sessions: Sessions, now: datetime) -> Till:
    with sessions.writing() as session:
        key = add_key(session, name="till", now=now)
        session.commit()
    return Till(app.test_client(), key)


class Desk:
    """Someone at a terminal: files, commands, and what these print."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder

    def write(self, name: str, *lines: str, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.write_bytes("\n".join([*lines, ""]).encode(encoding))
        return path

    def run(self, *arguments: object) -> Any:
        return self.app.test_cli_runner().invoke(args=[str(each) for each in arguments])

    def load(self, what: str, path: Path, *more: object) -> str:
        result = self.run("import", what, path, *more)
        assert result.exit_code == 0, result.output
        return str(result.output)


@pytest.fixture
def desk(app: Flask, tmp_path: Path) -> Desk:
    return Desk(app, tmp_path)
