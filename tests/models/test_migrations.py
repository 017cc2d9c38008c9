"""The tables a deployment gets by migrating are the tables the code expects, on both databases, and back again."""

import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from jobs.commands import alembic_config
from models.migrations import live
from models.session import make_engine
from models.tables import metadata
from tests.support import databases


@pytest.fixture(params=databases.KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    address = databases.empty(request.param, "migrations", tmp_path)
    yield address
    databases.drop(address)


def differences(url: str) -> list[Any]:
    engine = make_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours})
        found = compare_metadata(context, metadata)
    engine.dispose()
    return [each for each in found if not is_a_view_of_types(each)]


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Procrastinate brings tables of its own."""
    return kind != "table" or not (name or "").startswith("procrastinate")


def is_a_view_of_types(change: Any) -> bool:
    """SQLite tells fewer types apart than we do; columns and indexes are what is compared."""
    return isinstance(change, list) or change[0] in {"modify_type", "modify_default"}


def test_migrating_makes_the_tables_the_code_expects(url: str) -> None:
    command.upgrade(alembic_config(url), "head")
    assert differences(url) == []


def test_every_step_can_be_taken_back_and_again(url: str) -> None:
    configuration = alembic_config(url)
    command.upgrade(configuration, "head")
    command.downgrade(configuration, "base")
    engine = make_engine(url)
    left = {name for name in inspect(engine).get_table_names() if name != "alembic_version"}
    engine.dispose()
    assert left == set()
    command.upgrade(configuration, "head")
    assert differences(url) == []


class Killed(Exception):
    """As if the process ended here."""


def die_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """From now on, `steps` changes of the tables are made, and not one more."""
    left = iter(range(steps))

    def counted(change: Any) -> Any:
        def made(*args: Any, **options: Any) -> Any:
            if next(left, None) is None:
                raise Killed
            return change(*args, **options)

        return made

    for place, name in ((op, "create_index"), (op, "create_table"), (live, "patiently")):
        monkeypatch.setattr(place, name, counted(getattr(place, name)))


def test_a_migration_that_was_killed_anywhere_is_begun_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = alembic_config(url)
    command.upgrade(configuration, "0001")
    revisions = list(ScriptDirectory.from_config(configuration).walk_revisions("0001", "head"))
    for revision in reversed(revisions):
        for steps in count():
            try:
                with monkeypatch.context() as patch:
                    die_after(patch, steps)
                    command.upgrade(configuration, revision.revision)
                break
            except Killed:
                continue
    assert differences(url) == []


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    address = databases.empty("postgresql", "in_use", tmp_path)
    yield address
    databases.drop(address)


def test_an_order_that_the_version_before_writes_is_marked_as_changed(postgres: str) -> None:
    command.upgrade(alembic_config(postgres), "head")
    engine = make_engine(postgres)
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO purchase (order_ref, paid_at, day, recorded_at, channel, net_amount, source) "
                "VALUES ('A', now(), now(), now(), '', 0, '')"
            )
        )
        assert connection.execute(text("SELECT changed_at FROM purchase")).scalar()
    engine.dispose()


@pytest.mark.parametrize(
    ("revision", "table"),
    [("0003", "purchase"), ("0003", "member_score"), ("0004", "month_close"), ("0007", "job_run")],
)
def test_a_long_read_of_a_table_lets_others_pass_the_waiting_migration(
    postgres: str, revision: str, table: str
) -> None:
    configuration = alembic_config(postgres)
    command.upgrade(configuration, f"{int(revision) - 1:04}")
    engine = make_engine(postgres)
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
    migrating = threading.Thread(target=command.upgrade, args=(configuration, revision))
    with engine.connect() as backup, engine.connect() as other:
        backup.execute(text(f"LOCK TABLE {table} IN ACCESS SHARE MODE"))
        migrating.start()
        while not other.execute(waiting).scalar():
            assert migrating.is_alive()
            other.commit()
        other.execute(text("SET statement_timeout = '10s'"))
        other.execute(text(f"SELECT count(*) FROM {table}"))  # behind the one who waits
    migrating.join()
    engine.dispose()
    done = make_engine(postgres)
    with done.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == revision
    done.dispose()
