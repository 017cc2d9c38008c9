"""A shop on the Taiwan preset, opened once a file; what a test does in it is undone afterwards."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from tests.support.preset_shop import PresetShop, open_shop


@pytest.fixture(scope="module")
def open_preset(shared_engine: Engine) -> Iterator[Connection]:
    with shared_engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            open_shop(session)
            session.commit()
        yield connection
        transaction.rollback()


@pytest.fixture
def shop(open_preset: Connection) -> Iterator[PresetShop]:
    undone = open_preset.begin_nested()
    with Session(open_preset, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
        yield PresetShop(session)
    undone.rollback()
