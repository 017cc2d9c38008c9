"""Every test runs on both databases; nothing leaves loopback; nothing is mocked that can be real."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).parent.parent))

from models.session import Sessions, make_engine
from tests.support import databases
from tests.support.moments import NOW
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from tests.support.world import World

databases_made = count(1)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and "TEST_POSTGRES_URL" not in os.environ:
        config.stash[SERVER] = PostgresServer()
        os.environ["TEST_POSTGRES_URL"] = config.stash[SERVER].url


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.remove()


SERVER = pytest.StashKey[PostgresServer]()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session", params=databases.KINDS)
def shared_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    url = databases.fresh(request.param, "shared", tmp_path_factory.mktemp("shared"))
    engine = make_engine(url)
    yield engine
    engine.dispose()
    databases.drop(url)


@pytest.fixture
def session(shared_engine: Engine) -> Iterator[Session]:
    """A session whose doings are undone after the test. Commits inside it are savepoints."""
    with shared_engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as open_session:
            yield open_session
        transaction.rollback()


@pytest.fixture(params=databases.KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own, for what really commits, in several threads or processes."""
    url = databases.fresh(request.param, f"own{next(databases_made)}", tmp_path)
    yield url
    databases.drop(url)


@pytest.fixture
def sessions(database_url: str) -> Iterator[Sessions]:
    made = Sessions(make_engine(database_url))
    yield made
    made.engine.dispose()


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """The whole product with the simulator, on a database of its own."""
    from tests.support.world import world_on  # the whole app: only the tests that walk it pay for its import

    with world_on(database_url) as running:
        yield running
