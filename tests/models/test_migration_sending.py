"""What was being sent when the tables changed is still all there, on both databases, and back again."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import JSON, MetaData, create_engine, insert, inspect, make_url, select

from jobs.commands import alembic_config
from tests.support import databases
from tests.support.moments import NOW


@pytest.fixture(params=databases.KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    address = databases.empty(request.param, "sending", tmp_path)
    yield address
    databases.drop(address)


class Tables:
    """The tables as they are now, whatever the version."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.engine = create_engine(parsed)
        self.known = MetaData()
        self.known.reflect(self.engine)

    def add(self, table: str, **values: Any) -> None:
        """A row with these values, and something of the right kind in every other column that must have one."""
        full = {
            column.name: _anything(column) for column in self.known.tables[table].columns
            if not column.nullable and not column.primary_key
        }  # fmt: skip
        with self.engine.begin() as connection:
            connection.execute(insert(self.known.tables[table]), [{**full, **values}])

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(self.known.tables[table])).mappings()]


def _anything(column: Any) -> Any:
    if isinstance(column.type, JSON):
        return {}
    return {bool: False, int: 1, float: 1.0, str: ""}.get(column.type.python_type, NOW)


def test_a_send_under_way_survives_the_change_and_the_way_back(url: str) -> None:
    configuration = alembic_config(url)
    command.upgrade(configuration, "0001")
    old = Tables(url)
    old.add("channel", id=1)
    old.add("member", id=1, ref="m1", card_number="1")
    old.add("campaign", id=1, ref="spring", state="sending")
    for no, state in enumerate(("sent", "claimed", "ready"), 1):
        old.add("campaign_chunk", campaign_id=1, no=no, state=state, size=1)
    old.add("recipient", id=7, campaign_id=1, member_id=1, occasion="", chunk_no=1, segments=[])
    old.add("outgoing_message", id=1, member_id=1, recipient_id=7, once="x", messages=[])
    before = {table: old.rows(table) for table in ("recipient", "outgoing_message")}
    old.engine.dispose()
    command.upgrade(configuration, "0002")
    now = Tables(url)
    assert {row["no"]: bool(row["settled_at"]) for row in now.rows("campaign_chunk")} == {1: True, 2: False, 3: False}
    assert now.rows("recipient") == before["recipient"]
    assert inspect(now.engine).get_foreign_keys("recipient") == []
    assert [row["recipient_id"] for row in now.rows("outgoing_message")] == [7]
    now.engine.dispose()
    command.downgrade(configuration, "0001")
    back = Tables(url)
    assert {table: back.rows(table) for table in before} == before
    assert len(inspect(back.engine).get_foreign_keys("recipient")) == 2
    back.engine.dispose()
