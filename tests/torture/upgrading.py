"""F14: PostgreSQL with 1,000,000 members is brought from the first migration to this version while webhooks arrive.

    python -m tests.torture.upgrading [--small]

The new version's `flask migrate` runs while posts come in at 50 a second to the running web processes. No post
may be lost (LINE redelivers what got no 200), and no statement may wait for a lock longer than two seconds,
looked at twenty times a second in pg_stat_activity. Web and worker start before the upgrade ends, as on a host
that deploys; what they cannot do yet they must refuse, not lose. About four minutes with a million members
(the small form has 2,000).
"""

import threading
import time
from collections import defaultdict

import psycopg
from alembic import command
from sqlalchemy import func, select

from jobs.commands import alembic_config
from models.member import Friend
from tests.torture._audience import know_at_line, user_of
from tests.torture._posts import Storm, follows
from tests.torture._product import Product, wait_until
from tests.torture._result import Trial, check, program, step

LONGEST_LOCK = 2.0
FIRST = "0001"


def run(trial: Trial) -> None:
    members, posts = (2_000, 500) if trial.is_small else (1_000_000, 6_000)
    with trial.database() as url:
        step(f"filling {members:,} members at the first version")
        fill(url, members)
        with Product(url, trial.folder, migrate=False) as product:
            new = list(range(5_000_001, 5_000_001 + posts))
            know_at_line(product, new)
            product.start("web")
            storm = Storm(product.url, product.channel.secret, follows(map(user_of, new)), rate=50).start()
            time.sleep(1 if trial.is_small else 5)
            step("migrating")
            watch = Watch(url)
            began = time.monotonic()
            with watch:
                product.run("migrate")
            took = time.monotonic() - began
            step(f"migrated in {took:.0f} s; the storm goes on")
            product.start("worker")
            ledger = storm.join(300)
            check(storm.is_over, "some posts were never acknowledged")
            wait_until(lambda: friends(product) >= members + posts, "every follower", patience=240, watch=product)
            trial.note(
                members=members, posts=posts, lost=posts - (friends(product) - members), statuses=ledger.statuses(),
                slowest_ack=round(ledger.ack_seconds(1.0), 2), migrating_seconds=round(took, 1),
                longest_lock_wait=round(watch.longest, 2), waited_for=watch.worst(),
            )  # fmt: skip
            check(watch.longest < LONGEST_LOCK, f"something waited {watch.longest:.1f} s for a lock: {watch.worst()}")


def fill(url: str, members: int) -> None:
    """As the first version left it: its own tables, a brand, and so many friends with what they did."""
    command.upgrade(alembic_config(url), FIRST)
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("channel", "brand"):
            connection.execute(_row_of(connection, table).encode())
        connection.execute("UPDATE brand SET business_timezone = 'Asia/Taipei', currency = 'TWD', salt = 'salt'")
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
