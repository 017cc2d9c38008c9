"""The tables a deployment gets by migrating are the tables the code expects, on both databases, and back again."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from jobs.commands import alembic_config
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
