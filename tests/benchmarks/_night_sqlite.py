"""The same night on SQLite, for the record: a part of the people of the large database, copied over."""

import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from sqlalchemy import make_url, text

from domain.operations.setting_up import set_up
from jobs import scores as job
from jobs.commands import alembic_config
from jobs.runner import quiet
from models.session import Sessions, make_engine

COPIED = {
    "member": "id, ref, card_number, created_at, registered_at, is_test, is_staff, '{}' AS custom",
    "purchase": "id, order_ref, member_id, paid_at, day, recorded_at, channel, net_amount, source",
    "event": "id, member_id, kind, occurred_at, recorded_at, day, source, '{}' AS data, is_history",
}
PIECE = 50_000


def measured(url: str, people: int, day: date) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="regulars-night-") as folder:
        address = f"sqlite:///{Path(folder) / 'night.db'}"
        command.upgrade(alembic_config(address), "head")
        sessions = Sessions(make_engine(address))
        _fill(sessions, url, people)
        figures: dict[str, Any] = {"sqlite_members": people}
        for name, after in (("sqlite_first_night_s", 0), ("sqlite_one_day_s", 1)):
            now = datetime(day.year, day.month, day.day, 19, 10, tzinfo=UTC) + timedelta(days=after)
            began = time.perf_counter()
            job.run(sessions, now=now, progress=quiet)
            figures[name] = time.perf_counter() - began
            if after == 0:
                _a_day_of_orders(sessions, day + timedelta(days=1), people)
        sessions.engine.dispose()
    return figures


def _a_day_of_orders(sessions: Sessions, day: date, people: int) -> None:
    """Orders recorded since the night, so that the next has a day's change to read."""
    with sessions.writing() as session:
        session.execute(
            text(
                "UPDATE purchase SET day = :day, changed_at = :now WHERE id IN "
                "(SELECT id FROM purchase ORDER BY order_ref LIMIT :some)"
            ),
            {
                "day": day.isoformat(),
                "now": datetime.now(UTC).replace(tzinfo=None).isoformat(" "),
                "some": people // 73,
            },
        )
        session.commit()


def _fill(sessions: Sessions, url: str, people: int) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with sessions.writing() as session, psycopg.connect(plain) as source:
        set_up(
            session, business_timezone="Asia/Taipei", currency="TWD", public_url="http://127.0.0.1:8000",
            liff_id="1650000000-Regulars", login_channel_id="1650000000", now=datetime.now(UTC),
        )  # fmt: skip
        for table, columns in COPIED.items():
            key = "id" if table == "member" else "member_id"
            _copy(session.connection(), source, table, columns, f"{key} <= {people}")
        session.commit()


def _copy(target: Any, source: psycopg.Connection[Any], table: str, columns: str, which: str) -> None:
    names = [each.split(" AS ")[-1] for each in columns.split(", ")]
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    with source.cursor(name=f"copy_{table}") as cursor:
        cursor.execute(f"SELECT {columns} FROM {table} WHERE {which}".encode())
        while rows := cursor.fetchmany(PIECE):
            target.exec_driver_sql(statement, [tuple(map(_plain, row)) for row in rows])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else value
