"""Logs: one JSON line each, found again by request, never a person's data, and never the reason for a failure."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

import logs
from app import create_app
from heart import Watched
from models.session import Sessions
from settings import Settings
from tests.support.databases import KINDS, fresh
from tests.support.staff import StaffBrowser, add_staff
from tests.support.world import world_on

NAME, PHONE, EMAIL, WORDS = "王曉明-Wang", "0912345678", "xiaoming.wang@example.com", "my knee hurts since Tuesday"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Everything this process logs while the test goes on."""
    file = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    monkeypatch.setattr(logs, "STDERR", file)
    yield lambda: (tmp_path / "log").read_text(encoding="utf-8")
    os.close(file)
    logs.set_up("info", readable=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_journey_leaves_no_personal_data_behind(
    kind: str, tmp_path: Path, written: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with world_on(fresh(kind, "logs", tmp_path), log_level="debug") as world:
        add_staff(world.sessions, "marketer")
        user = world.line.add_user(name=NAME, language="en")
        world.line.follow(user)
        world.line.say(user, WORDS)
        world.settle()
        joined = world.member(user).post(
            f"{world.url}/liff/api/registration",
            json={"name": NAME, "phone": PHONE, "email": EMAIL, "birth_date": "1990-07-01", "consent": True},
        )
        assert joined.status_code == 204, joined.text
        world.settle()
        desk = StaffBrowser(world.url, "marketer")
        desk.http.get(f"{world.url}/console/members/", params={"q": PHONE})
        log = structlog.get_logger()
        log.error("by field", name=NAME, phone=PHONE, user_id=user, rows=[{"email": EMAIL}], text=WORDS)
        log.error("by value", error=f"no {EMAIL}, {NAME}, {PHONE} or {user}", other={"to": user})
        broken_row(world.sessions)
        monkeypatch.setitem(world.app.view_functions, "console.me.page", fails)
        assert desk.http.get(f"{world.url}/console/me/").status_code in {403, 500}
    found = written()
    assert "called line" in found
    assert "by field" in found
    assert "IntegrityError" in found
    for secret in (NAME, "王", PHONE, "+886912345678", EMAIL, user, WORDS, world.settings.secret_key.get_secret_value(),
                   world.line.channel.access_token):  # fmt: skip
        assert secret not in found, [line for line in found.splitlines() if secret in line][:2]


def broken_row(sessions: Sessions) -> None:
    """What a database says of a row it refuses quotes the row."""
    identity = (
        "INSERT INTO member (ref, name, phone, email, created_at, is_test, is_staff, custom, marketing_consent) "
        f"VALUES ('same', '{NAME}', '{PHONE}', '{EMAIL}', '2026-01-01', :no, :no, '{{}}', :no)"
    )
    with sessions.writing() as session:
        try:
            for _ in range(2):
                session.execute(text(identity), {"no": False})
        except IntegrityError as error:
            logging.getLogger("domain").error("refused by the database", exc_info=error)
            structlog.get_logger().error("refused by the database", error=str(error), detail=repr(error))


def fails(*_: Any) -> str:
    raise ValueError(f"{NAME} {PHONE} {EMAIL}")


def test_lines_are_json_and_found_by_the_request_that_caused_them(
    sessions: Sessions, written: Callable[[], str]
) -> None:
    logs.set_up("info", readable=False)

    def inner(_environ: Any, start: Any) -> list[bytes]:
        structlog.get_logger().info("at work", at="2026-11-22 03:10:11", count=3)
        logging.getLogger("sqlalchemy.pool").warning("lost %s", "a connection")
        start("200 OK", [])
        return [b""]

    headers: list[tuple[str, str]] = []
    Watched(inner)({"PATH_INFO": "/console/"}, lambda _status, given: headers.extend(given))
    request = dict(headers)["X-Request-Id"]
    ours, theirs = (json.loads(line) for line in written().splitlines())
    assert (ours["event"], ours["level"], ours["count"]) == ("at work", "info", 3)
    assert ours["at"] == "2026-11-22 03:10:11"
    assert ours["request"] == theirs["request"] == request
    assert (theirs["event"], theirs["logger"]) == ("lost a connection", "sqlalchemy.pool")


def test_an_exception_is_its_kind_and_its_places(written: Callable[[], str]) -> None:
    logs.set_up("info", readable=False)
    try:
        fails()
    except ValueError:
        structlog.get_logger().exception("broke")
    structlog.get_logger().error("away", exc_info=OSError(28, "No space left on device"))
    first, second = (json.loads(line) for line in written().splitlines())
    assert first["exception"][0]["type"] == "ValueError"
    assert "words" not in first["exception"][0]
    assert any("test_logs.py" in place for place in first["exception"][0]["places"])
    assert second["exception"][0]["words"] == "[Errno 28] No space left on device"


def test_what_is_no_person_is_left_as_it_is() -> None:
    lines = {"error": "at 2026-11-22T03:10:11 step 17 of 1900", "period": "2026-11-22", "request_id": "1" * 20}
    assert logs.kept_clean(None, "info", dict(lines)) == lines


def test_a_full_disk_loses_lines_and_nothing_else(
    sessions: Sessions, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(logs, "STDERR", full)
    app = create_app(Settings(database_url=database_url, log_level="debug"), sessions)
    monkeypatch.setitem(app.view_functions, "health.healthz", fails)
    structlog.get_logger().error("nobody reads this")
    logging.getLogger("domain").error("nor this", exc_info=ValueError("x"))
    assert app.test_client().get("/healthz").status_code == 500
    assert app.test_client().get("/readyz").status_code == 200
    os.close(full)
    logs.set_up("info", readable=True)
