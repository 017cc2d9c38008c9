"""F14: PostgreSQL with 1,000,000 members is upgraded from the first migration while the old version serves.

    python -m tests.torture.upgrading [--small]

As docs/operations.md has it: the first version's own web and worker (its files as git keeps them) take webhooks at
50 a second and welcome who follows, while the new version's `flask migrate` runs; then the new version takes over,
worker first. A reader holds its transaction open all the while, as pg_dump does, so that whoever waits for a lock
would make a queue. No post may be lost (LINE redelivers what got no 200), everybody is welcomed once, counted at the
simulator, and no statement waits for a lock longer than two seconds, looked at twenty times a second in
pg_stat_activity. About four minutes with a million members (the small form has 2,000, and where git has not kept
the first version it serves with the new one, and says so).
"""

import subprocess
import tarfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import psycopg
from alembic import command
from sqlalchemy import func, select

from jobs.commands import alembic_config
from models.member import Friend
from tests.torture._audience import doubles_and_missed, know_at_line, user_of
from tests.torture._posts import Storm, follows
from tests.torture._product import ROOT, Product, wait_until
from tests.torture._result import Trial, check, program, step

LONGEST_LOCK = 2.0
FIRST = "0001"
# The last state of the first version: what stands in front of it serves while the new one migrates.
FIRST_VERSION = "525ee0ce0e8d65acdb8f4f67be5b59160fbbe3ba"


def run(trial: Trial) -> None:
    members, posts = (2_000, 750) if trial.is_small else (1_000_000, 6_000)
    old = first_version(trial)
    with trial.database() as url:
        step(f"filling {members:,} members at the first version")
        fill(url, members)
        with Product(url, trial.folder, migrate=False) as product:
            new = list(range(5_000_001, 5_000_001 + posts))
            know_at_line(product, new)
            product.code = old
            product.start("web", "worker")
            storm = Storm(product.url, product.channel.secret, follows(map(user_of, new)), rate=50).start()
            time.sleep(1 if trial.is_small else 5)
            with Watch(url) as watch, long_reader(url, 3.0 if trial.is_small else 20.0):
                took = migrate(product, old)
            before = friends(product) - members
            step(f"migrated in {took:.0f} s; the new version takes over")
            take_over(product)
            ledger = storm.join(300)
            check(storm.is_over, "some posts were never acknowledged")
            wait_until(lambda: friends(product) >= members + posts, "every follower", patience=600, watch=product)
            wait_until(lambda: len(product.line.deliveries()) >= posts, "every welcome", patience=300, watch=product)
            time.sleep(2)  # a second one would be on its heels
            trial.note(
                members=members, posts=posts, served_by="the first version" if old != ROOT else "the new version",
                lost=posts - (friends(product) - members), **doubles_and_missed({}, product.line.deliveries(), new),
                taken_by_the_old=before, statuses=ledger.statuses(), slowest_ack=round(ledger.ack_seconds(1.0), 2),
                migrating_seconds=round(took, 1), longest_lock_wait=round(watch.longest, 2), waited_for=watch.worst(),
            )  # fmt: skip
            check(before > 0, "the old version took nothing while the new one migrated")
            check(watch.longest < LONGEST_LOCK, f"something waited {watch.longest:.1f} s for a lock: {watch.worst()}")


def first_version(trial: Trial) -> Path:
    """Its files in a folder of their own."""
    found = subprocess.run(["git", "archive", FIRST_VERSION], cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        check(trial.is_small, f"git has not kept the first version ({FIRST_VERSION[:7]}): a whole clone is needed")
        return ROOT
    folder = trial.folder / "first-version"
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def migrate(product: Product, old: Path) -> float:
    """The new version's migrations beside the old one at work; returns the seconds they took."""
    step("migrating")
    product.code, began = ROOT, time.monotonic()
    product.run("migrate")
    check(old == ROOT or (product.is_running("web") and product.is_running("worker")), "the old version has ended")
    return time.monotonic() - began


def take_over(product: Product) -> None:
    """As operations.md says: worker, then web."""
    for name in ("worker", "web"):
        product.stop(name)
        product.start(name)


@contextmanager
def long_reader(url: str, seconds: float) -> Iterator[None]:
    """Somebody who reads large tables in one transaction, as pg_dump does, and lets go after so long."""
    holding = threading.Event()

    def read() -> None:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE purchase, member, event, friend IN ACCESS SHARE MODE")
            holding.set()
            time.sleep(seconds)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    check(holding.wait(30), "the reader did not get its locks")
    yield
    thread.join(seconds + 10)


def fill(url: str, members: int) -> None:
    """As the first version left it: its own tables, a brand, and so many friends with what they did."""
    command.upgrade(alembic_config(url), FIRST)
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("channel", "brand"):
            connection.execute(_row_of(connection, table).encode())
        connection.execute(
            "UPDATE brand SET business_timezone = 'Asia/Taipei', currency = 'TWD', salt = 'salt', colour = '#2f4b3c'"
        )
        days = "'2026-01-01'::timestamptz - make_interval(days => n % 700)"
        rows = f"generate_series(1, {members}) n"
        for statement in (
            f"INSERT INTO member (id, ref, card_number, name, created_at, registered_at, marketing_consent, is_test,"
            f" is_staff, custom) SELECT n, 'm' || n, lpad(n::text, 16, '0'), 'Member ' || n, {days}, {days}, true,"
            f" false, false, '{{}}' FROM {rows}",
            f"INSERT INTO friend (channel_id, member_id, user_id, is_following, state_at)"
            f" SELECT 1, n, 'U' || lpad(to_hex(n), 32, '0'), true, {days} FROM {rows}",
            f"INSERT INTO event (member_id, kind, occurred_at, recorded_at, day, source, data, is_history)"
            f" SELECT n, 'clicked', {days}, {days}, ({days})::date, 'line', '{{}}', false FROM {rows}",
            f"INSERT INTO purchase (id, order_ref, member_id, paid_at, day, recorded_at, channel, net_amount, source)"
            f" SELECT n, 'o' || n, n, {days}, ({days})::date, {days}, 'store', 100, 'import' FROM {rows}",
            f"SELECT setval(pg_get_serial_sequence('member', 'id'), {members})",
            f"SELECT setval(pg_get_serial_sequence('purchase', 'id'), {members})",
            "VACUUM ANALYZE",
        ):
            connection.execute(statement.encode())


def _row_of(connection: "psycopg.Connection[tuple[object, ...]]", table: str) -> str:
    """An INSERT that gives every column without a default something plain: set-up writes the rest."""
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO'"
        " AND column_default IS NULL AND column_name <> 'id'", (table,),
    ).fetchall()  # fmt: skip
    plain = {"integer": "0", "bigint": "0", "boolean": "false", "jsonb": "'{}'", "json": "'{}'",
             "double precision": "0", "timestamp with time zone": "now()"}  # fmt: skip
    names = ", ".join(f'"{name}"' for name, _ in columns)
    values = ", ".join(plain.get(str(kind), "'03:00'") for _, kind in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({values})"


def friends(product: Product) -> int:
    with product.sessions.reading() as session:
        return int(session.scalar(select(func.count(Friend.id))) or 0)


class Watch:
    """Looks who waits for a lock, and how long."""

    def __init__(self, url: str) -> None:
        self.url, self.longest = url, 0.0
        self._stop = threading.Event()
        self._waits: dict[str, float] = defaultdict(float)
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def worst(self) -> str:
        """The statement that waited longest, and for whom."""
        return max(self._waits, key=lambda words: self._waits[words], default="")[:300]

    def _look(self) -> None:
        # CREATE INDEX CONCURRENTLY waits for other transactions to end, holding nobody up: its own waits do not count.
        waiting = (
            "SELECT extract(epoch FROM clock_timestamp() - coalesce(l.waitstart, a.query_start)), a.query, b.query"
            " FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " LEFT JOIN pg_stat_activity b ON b.pid = (pg_blocking_pids(l.pid))[1]"
            " WHERE NOT l.granted AND a.datname = current_database() AND a.query NOT ILIKE '%CONCURRENTLY%'"
        )
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self._stop.wait(0.05):
                for seconds, query, blocker in connection.execute(waiting.encode()).fetchall():
                    words = f"{' '.join(str(query).split())[:120]} ⟵ {' '.join(str(blocker).split())[:120]}"
                    self._waits[words] = max(self._waits[words], float(seconds or 0))
                    self.longest = max(self.longest, float(seconds or 0))


if __name__ == "__main__":
    program("F14", run, doc=__doc__ or "", kinds=("postgresql",))
