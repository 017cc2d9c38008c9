"""The peer of B6: the same scores by the same rules in DuckDB, from parquet files of the same rows."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from sqlalchemy import make_url

from domain.events import OWN_ACTIONS

COLUMNS = (
    "member_id", "first_day", "last_day", "purchase_days", "days_365", "amount_365", "last_activity_day",
    "rfm_r", "rfm_f", "rfm_m", "rfm_group", "napl",
)  # fmt: skip
KINDS = ", ".join(f"'{kind}'" for kind in OWN_ACTIONS)
TABLES = {
    "member": (
        "SELECT id, (registered_at AT TIME ZONE 'Asia/Taipei')::date AS joined FROM member "
        "WHERE erased_at IS NULL AND merged_into_id IS NULL",
        {"id": "BIGINT", "joined": "DATE"},
    ),
    "purchase": (
        "SELECT member_id, day, net_amount FROM purchase",
        {"member_id": "BIGINT", "day": "DATE", "net_amount": "BIGINT"},
    ),
    "event": (
        "SELECT member_id, kind, day FROM event",
        {"member_id": "BIGINT", "kind": "VARCHAR", "day": "DATE"},
    ),
}  # fmt: skip


class Peer:
    """DuckDB over parquet files in `folder`, with as many threads as PostgreSQL has cores."""

    def __init__(self, url: str, folder: Path, day: date) -> None:
        self.folder, self.day = folder, day
        self.duckdb = duckdb.connect()
        self.duckdb.execute("SET threads = 2")
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain) as connection:
            for name, (query, types) in TABLES.items():
                self._take(connection, name, query, types)

    def _take(self, connection: psycopg.Connection[Any], name: str, query: str, types: dict[str, str]) -> None:
        rows = self.folder / f"{name}.csv"
        with (
            rows.open("wb") as file,
            connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as copy,
        ):
            for block in copy:
                file.write(block)
        read = f"read_csv('{rows}', header = false, columns = {types})"
        self.duckdb.execute(f"COPY (SELECT * FROM {read}) TO '{self._file(name)}' (FORMAT parquet)")
        rows.unlink()

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def compute(self) -> None:
        self.duckdb.execute(f"CREATE OR REPLACE TEMP TABLE made AS {self._query()}")

    def differing(self, rows: Sequence[Any]) -> int:
        """How many people's scores differ from these, which are in the order of their ids."""
        theirs = self.duckdb.execute(f"SELECT {', '.join(COLUMNS)} FROM made ORDER BY member_id").fetchall()
        unlike = sum(tuple(ours) != other for ours, other in zip(rows, theirs, strict=False))
        return unlike + abs(len(rows) - len(theirs))

    def _query(self) -> str:
        day, start = f"DATE '{self.day}'", f"DATE '{self.day - timedelta(days=364)}'"
        return f"""
        WITH days AS (
          SELECT member_id, day, sum(net_amount) AS amount FROM '{self._file("purchase")}'
          WHERE member_id IS NOT NULL AND net_amount > 0 AND day <= {day} GROUP BY ALL
        ), bought AS (
          SELECT member_id, min(day) AS first_day, max(day) AS last_day, count(*) AS purchase_days,
            count(*) FILTER (day >= {start}) AS days_365, sum(amount) FILTER (day >= {start}) AS amount_365
          FROM days GROUP BY member_id
        ), acted AS (
          SELECT member_id, max(day) FILTER (kind <> 'referred') AS last_action,
            count(*) FILTER (kind = 'referred' AND day >= {start}) AS referrals
          FROM '{self._file("event")}' WHERE kind IN ({KINDS}, 'referred') AND day <= {day} GROUP BY member_id
        ), figures AS (
          SELECT m.id AS member_id, m.joined, b.first_day, b.last_day, coalesce(b.purchase_days, 0) AS purchase_days,
            coalesce(b.days_365, 0) AS days_365, coalesce(b.amount_365, 0)::BIGINT AS amount_365, a.last_action,
            coalesce(a.referrals, 0) AS referrals,
            greatest(m.joined, coalesce(b.last_day, m.joined), coalesce(a.last_action, m.joined)) AS last_activity_day
          FROM '{self._file("member")}' m LEFT JOIN bought b ON b.member_id = m.id
            LEFT JOIN acted a ON a.member_id = m.id
        ), rated AS (
          SELECT *,
            CASE WHEN days_365 = 0 THEN 0 WHEN last_day >= {day} - 30 THEN 5 WHEN last_day >= {day} - 60 THEN 4
              WHEN last_day >= {day} - 90 THEN 3 WHEN last_day >= {day} - 180 THEN 2 ELSE 1 END AS rfm_r,
            CASE WHEN days_365 >= 8 THEN 5 WHEN days_365 >= 5 THEN 4 WHEN days_365 >= 3 THEN 3
              ELSE days_365 END AS rfm_f,
            CASE WHEN days_365 = 0 THEN 0 WHEN amount_365 >= 30000 THEN 5 WHEN amount_365 >= 15000 THEN 4
              WHEN amount_365 >= 5000 THEN 3 WHEN amount_365 >= 1000 THEN 2 ELSE 1 END AS rfm_m
          FROM figures
        )
        SELECT member_id, first_day, last_day, purchase_days, days_365, amount_365, last_activity_day,
          rfm_r, rfm_f, rfm_m,
          CASE WHEN rfm_r = 0 THEN 'none' WHEN rfm_r >= 4 AND rfm_f >= 4 AND rfm_m >= 4 THEN 'vip'
            WHEN rfm_r >= 3 AND rfm_f >= 4 THEN 'loyal' WHEN rfm_r >= 4 AND rfm_f = 1 THEN 'new'
            WHEN rfm_r >= 4 THEN 'promising' WHEN rfm_r = 3 THEN 'attention'
            WHEN rfm_f >= 3 OR rfm_m >= 4 THEN 'at_risk' ELSE 'asleep' END AS rfm_group,
          CASE WHEN last_activity_day < {day} - 90 THEN 'P'
            WHEN (days_365 >= 4 AND amount_365 >= 5000) OR amount_365 >= 15000
              OR (referrals >= 3 AND days_365 >= 1) THEN 'L'
            WHEN purchase_days = 0 AND (joined >= {day} - 30 OR coalesce(last_action, joined) <= joined) THEN 'N'
            ELSE 'A' END AS napl
        FROM rated
        """
