"""B6: a night's scores of a million members with ten million orders: everyone, and after one day's change.

Beside it DuckDB computes the same columns by the same rules from parquet files of the same rows. Takes about
eight minutes at full size, most of them to make the rows; `--people 100000` takes one.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.scores._everyone import scores, with_cycles
from domain.scores._figures import Among, Rows
from jobs import scores as job
from jobs.runner import quiet
from models.programme import the_brand
from models.session import Sessions, make_engine
from tests.benchmarks import _night_duckdb, _night_sqlite
from tests.benchmarks._bench import cpu_seconds, database, load_now, postgres, report
from tests.benchmarks._crowd import TODAY, filled
from tests.support.postgres import PostgresServer

DAY = date.fromisoformat(TODAY)
DAYS = 5
FIGURES = {"full": 2.5, "one_day": 0.3}


def main() -> None:
    arguments = _arguments()
    with postgres() as server:
        url = database(server.url, "night")
        spent = filled(url, people=arguments.people, purchases=arguments.people * 10, events=arguments.people * 2)
        print(f"{arguments.people:,} members with {arguments.people * 10:,} orders, made in {spent:.0f} s", flush=True)
        figures: dict[str, Any] = {"members": arguments.people, "purchases": arguments.people * 10}
        with tempfile.TemporaryDirectory(prefix="regulars-night-") as folder:
            figures |= _computing(server, url, Path(folder), arguments.people)
        figures |= _nights(server, url, arguments.people)
        figures["one_day_to_compute"] = figures["one_day_s"] / figures["compute_s"]
        if not arguments.no_sqlite:
            figures |= _night_sqlite.measured(url, min(arguments.people, 100_000), DAY)
        figures["load"] = load_now()
        _table(figures)
        report("night", figures, server=server)
    wrong = figures["rows_differing_from_duckdb"] or figures["rows_differing_from_full"]
    sys.exit(1 if wrong else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--no-sqlite", action="store_true")
    return parser.parse_args()


def night_of(day: date) -> datetime:
    """Ten past three, Taipei time, after that day."""
    return datetime(day.year, day.month, day.day, 19, 10, tzinfo=UTC)


def _computing(server: PostgresServer, url: str, folder: Path, people: int) -> dict[str, Any]:
    """The columns alone, made into a table nobody keeps: PostgreSQL and DuckDB in turns, and whether they agree."""
    peer = _night_duckdb.Peer(url, folder, DAY)
    sessions = Sessions(make_engine(url))
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []

    def cpu() -> float:
        return cpu_seconds(server.process.pid)

    with ThreadPoolExecutor(job.HANDS) as pool:
        made = _Made(sessions, pool, people)
        made(_scores)
        peer.compute()
        for _ in range(5):
            ours.append(_spent(lambda: made(_scores), cpu))
            theirs.append(_spent(peer.compute, time.process_time))
        differing = peer.differing(made.rows())
        with_cycles = _spent(lambda: made(_everything), cpu)
        made.close()
    sessions.engine.dispose()
    return {
        "compute_s": _median(ours, 0), "compute_cpu_s": _median(ours, 1),
        "duckdb_s": _median(theirs, 0), "duckdb_cpu_s": _median(theirs, 1),
        "compute_to_duckdb": _median(ours, 0) / _median(theirs, 0),
        "compute_cpu_to_duckdb": _median(ours, 1) / _median(theirs, 1),
        "compute_with_cycles_s": with_cycles[0], "compute_with_cycles_cpu_s": with_cycles[1],
        "rows_differing_from_duckdb": differing,
    }  # fmt: skip


def _spent(work: Callable[[], Any], cpu: Callable[[], float]) -> tuple[float, float]:
    cpu_before, began = cpu(), time.perf_counter()
    work()
    return time.perf_counter() - began, cpu() - cpu_before


def _median(measured: list[tuple[float, float]], which: int) -> float:
    return statistics.median(each[which] for each in measured)


def _scores(session: Session, among: Among) -> Rows:
    return scores(DAY, calendar=calendar_of(session), currency=the_brand(session).currency, among=among)


def _everything(session: Session, among: Among) -> Rows:
    brand, calendar = the_brand(session), calendar_of(session)
    return with_cycles(DAY, calendar=calendar, currency=brand.currency, everyones=45.0, among=among)


class _Made:
    """The same select by as many hands as the job has, each its share of the ids into a table nobody keeps."""

    def __init__(self, sessions: Sessions, pool: ThreadPoolExecutor, people: int) -> None:
        self.pool = pool
        share = -(-people // job.HANDS)
        self.hands = [
            (sessions.open(), (first, first + share - 1)) for first in range(1, people + 1, share)
        ]  # fmt: skip

    def __call__(self, query: Callable[[Session, Among], Rows]) -> None:
        for done in [self.pool.submit(self._make, query, *hand) for hand in self.hands]:
            done.result()

    def _make(self, query: Callable[[Session, Among], Rows], session: Session, ids: tuple[int, int]) -> None:
        session.execute(text("SET max_parallel_workers_per_gather = 0"))  # the hands are the parallel part
        words = query(session, lambda column: column.between(*ids)).compile(
            session.get_bind(), compile_kwargs={"literal_binds": True}
        )
        session.execute(text("DROP TABLE IF EXISTS made"))
        session.connection().exec_driver_sql(f"CREATE TEMP TABLE made AS {words}")

    def rows(self) -> list[Any]:
        columns = text(f"SELECT {', '.join(_night_duckdb.COLUMNS)} FROM made ORDER BY member_id")
        return [row for session, _ in self.hands for row in session.execute(columns)]

    def close(self) -> None:
        for session, _ in self.hands:
            session.close()


def _nights(server: PostgresServer, url: str, people: int) -> dict[str, Any]:
    """The job itself: the first night writes every row; then days with one day's change; then everyone anew."""
    sessions = Sessions(make_engine(url))

    def cpu() -> float:
        return cpu_seconds(server.process.pid) + time.process_time()

    first = _spent(lambda: job.run(sessions, now=night_of(DAY), progress=quiet), cpu)
    days, reports = list[tuple[float, float]](), list[dict[str, Any]]()
    for n in range(1, DAYS + 1):
        _one_day_passes(url, DAY + timedelta(days=n), people, n)
        night = night_of(DAY + timedelta(days=n))
        days.append(_spent(partial(_note, reports, sessions, night), cpu))
    differing, anew = _everyone_anew(sessions, DAY + timedelta(days=DAYS), cpu)
    sessions.engine.dispose()
    return {
        "first_night_s": first[0], "first_night_cpu_s": first[1],
        "everyone_anew_s": anew[0], "everyone_anew_cpu_s": anew[1], "write_back_s": first[0] - anew[0],
        "one_day_s": _median(days, 0), "one_day_cpu_s": _median(days, 1),
        "one_day_due": reports[-1]["due"], "one_day_changed": reports[-1]["changed"],
        "one_day_to_full": _median(days, 0) / anew[0], "one_day_cpu_to_full": _median(days, 1) / anew[1],
        "one_day_to_first_night": _median(days, 0) / first[0], "rows_differing_from_full": differing,
    }  # fmt: skip


def _note(reports: list[dict[str, Any]], sessions: Sessions, night: datetime) -> None:
    reports.append(job.run(sessions, now=night, progress=quiet))


def _everyone_anew(sessions: Sessions, day: date, cpu: Callable[[], float]) -> tuple[int, tuple[float, float]]:
    """The weekly comparison: how many rows differ, and what it takes. Nothing is written back when none does."""
    found: list[dict[str, Any]] = []
    spent = _spent(lambda: found.append(job.compare(sessions, day, quiet)), cpu)
    return int(found[0]["differences"]), spent


def _one_day_passes(url: str, day: date, people: int, n: int) -> None:
    """A day's orders and actions, some late, and a hundredth as many paid back."""
    orders = people * 10 // 730
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(
            f"""
            INSERT INTO purchase
              (order_ref, member_id, paid_at, day, recorded_at, channel, net_amount, source, changed_at)
            SELECT 'day{n}-' || i, 1 + (i * 7919 + {n}) % {people * 3 // 4}, d + interval '4 hours', d,
              '{day}'::date + interval '5 hours', 'store', 50 + i % 3000, 'pos', clock_timestamp()
            FROM (SELECT i, '{day}'::date - CASE WHEN i % 50 = 0 THEN i % 300 ELSE 0 END AS d
                  FROM generate_series(1, {orders}) i) those
            """.encode()
        )
        connection.execute(
            f"""
            UPDATE purchase SET net_amount = 0, changed_at = clock_timestamp()
            WHERE id IN (SELECT {n} + i * 997 FROM generate_series(1, {orders // 100}) i)
            """.encode()
        )
        connection.execute(
            f"""
            INSERT INTO event (member_id, kind, occurred_at, recorded_at, day, source, data, is_history)
            SELECT 1 + (i * 104729 + {n}) % {people}, 'clicked', t, t, '{day}', 'link', '{{}}', false
            FROM (SELECT i, '{day}'::date + interval '3 hours' AS t
                  FROM generate_series(1, {people * 2 // 365}) i) those
            """.encode()
        )


def _table(figures: dict[str, Any]) -> None:
    lines = [
        ("compute RFM, NAPL inputs, 365-day sums", "compute_s", "compute_cpu_s"),
        ("  DuckDB, parquet, 2 threads", "duckdb_s", "duckdb_cpu_s"),
        ("the job, everyone, every row written", "first_night_s", "first_night_cpu_s"),
        ("the job, everyone, no row different", "everyone_anew_s", "everyone_anew_cpu_s"),
        ("the job, one day's change", "one_day_s", "one_day_cpu_s"),
        ("SQLite, everyone", "sqlite_first_night_s", None),
        ("SQLite, one day's change", "sqlite_one_day_s", None),
    ]
    print(f"\n{'':44}{'seconds':>10}{'CPU':>10}")
    for words, seconds, cpu in lines:
        if seconds in figures:
            print(f"{words:44}{figures[seconds]:10.2f}" + (f"{figures[cpu]:10.2f}" if cpu else ""))
    print(f"compute / DuckDB      {figures['compute_to_duckdb']:.2f}   (figure: {FIGURES['full']} or less)")
    print(f"one day / everyone    {figures['one_day_to_full']:.2f}   (figure: {FIGURES['one_day']} or less)")
    print(f"one day / compute     {figures['one_day_to_compute']:.2f}   (the whole job beside the bare select)")
    print(f"write-back of all     {figures['write_back_s']:.1f} s; cycles beside the rest: "
          f"{figures['compute_with_cycles_s'] - figures['compute_s']:.1f} s")  # fmt: skip
    print(f"rows different from DuckDB {figures['rows_differing_from_duckdb']}, "
          f"step by step from everyone anew {figures['rows_differing_from_full']}")  # fmt: skip


if __name__ == "__main__":
    main()
