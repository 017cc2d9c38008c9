"""F8: the disk under the database and the logs fills up while webhooks arrive, then has room again.

    python -m tests.torture.disk_full [--small] [--database sqlite|postgresql]

A small tmpfs holds the database (PostgreSQL's whole data folder, or the SQLite file) and the web process's log.
A file fills it to the last byte. Meanwhile nothing may be answered 200 that is not kept; when the file is gone
the product goes on by itself (PostgreSQL, should it have stopped, is started again, as its service does), every
acknowledged follower has been welcomed once, counted at the simulator, and the database is whole. Needs root to
mount; where mounting is not allowed, the program says so and fails. About a minute.
"""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.support.postgres import NOBODY, PostgresServer
from tests.torture._audience import doubles_and_missed, know_at_line, user_of
from tests.torture._posts import Storm, follows
from tests.torture._product import Product, wait_until
from tests.torture._result import DURABLE, Trial, check, program, restore_environment, step

MEGABYTES = {"sqlite": 24, "postgresql": 320}


def run(trial: Trial) -> None:
    if trial.kind == "sqlite":
        with small_disk(trial.folder / "disk", MEGABYTES["sqlite"]) as disk:
            torment(trial, f"sqlite:///{disk / 'regulars.db'}", disk, None)
        return
    with server_on_a_small_disk() as (server, disk):
        torment(trial, f"{server.url.rpartition('/')[0]}/full", disk, server)


@contextmanager
def small_disk(at: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own, taken away afterwards."""
    at.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "regulars", str(at)],
                          capture_output=True, text=True, check=False)  # fmt: skip
    check(done.returncode == 0, f"mounting a small disk is not possible here: {done.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=False)


@contextmanager
def server_on_a_small_disk() -> Iterator[tuple[PostgresServer, Path]]:
    """A durable PostgreSQL whose data folder lies on a small disk."""
    server = PostgresServer((*DURABLE, "max_wal_size=64MB", "min_wal_size=32MB"))
    before = os.environ.get("TEST_POSTGRES_URL")
    try:
        server.stop()
        with small_disk(server.home / "disk", MEGABYTES["postgresql"]) as disk:
            shutil.move(server.home / "data", disk / "data")
            (server.home / "data").symlink_to(disk / "data")
            for path in (disk, disk / "data", *(disk / "data").rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
            server.start()
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute('CREATE DATABASE "full"')
            os.environ["TEST_POSTGRES_URL"] = server.url
            try:
                yield server, disk
            finally:
                server.stop()
    finally:
        restore_environment({"TEST_POSTGRES_URL": before})
        shutil.rmtree(server.home, ignore_errors=True)


def torment(trial: Trial, url: str, disk: Path, server: PostgresServer | None) -> None:
    followers, full_for = (400, 4.0) if trial.is_small else (3_000, 20.0)
    folder = trial.folder / "product"
    (folder / "web").parent.mkdir(parents=True, exist_ok=True)
    (disk / "web").mkdir()
    (folder / "web").symlink_to(disk / "web")  # its log fills the same disk
    with Product(url, folder) as product:
        new = list(range(10_001, 10_001 + followers))
        know_at_line(product, new)
        product.start("web", "worker")
        storm = Storm(
            product.url, product.channel.secret, follows(map(user_of, new)), rate=30 if trial.is_small else 60
        )
        storm.start()
        time.sleep(2)
        step("the disk is full")
        fill(disk / "ballast")
        time.sleep(full_for)
        refused = sum(status >= 500 or status == 0 for status in (post.status for post in storm.ledger.posts))
        (disk / "ballast").unlink()
        step("there is room again")
        again = bring_back(server)
        ledger = storm.join(120)
        check(storm.is_over, f"posts are still refused: {ledger.statuses()}")
        settle(product, followers)
        counted = doubles_and_missed({}, product.line.deliveries(), new)
        alive = [name for name in ("web", "worker") if product.is_running(name)]
        trial.note(
            **counted, false_200=counted["missed"], refused=refused, statuses=ledger.statuses(),
            postgresql_restarted=again, whole=is_whole(product, server),
        )  # fmt: skip
        check(refused > 0, "the disk was never full enough to be noticed")
        check(alive == ["web", "worker"], f"only {alive} lived through it")
        check(trial.figures["whole"] == "ok", f"the database is not whole: {trial.figures['whole']}")


def fill(ballast: Path) -> None:
    """Takes every byte there is."""
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2


def bring_back(server: PostgresServer | None) -> bool:
    """PostgreSQL may stop itself when it cannot write its log; whoever runs it starts it again."""
    if server is None:
        return False
    time.sleep(1)
    if server.process.poll() is None:
        return False
    server.start()
    return True


def settle(product: Product, everyone: int) -> None:
    wait_until(lambda: len(product.line.deliveries()) >= everyone, "every follower to be welcomed", patience=150,
               pause=0.5, watch=product)  # fmt: skip
    time.sleep(1)


def is_whole(product: Product, server: PostgresServer | None) -> str:
    if server is None:
        product.stop("web", "worker")
        with sqlite3.connect(make_url(product.database_url).database or "") as connection:
            return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    with psycopg.connect(product.database_url, autocommit=True) as connection:
        connection.execute("REINDEX DATABASE")  # reads every row of every table
    return "ok"


if __name__ == "__main__":
    program("F8", run, doc=__doc__ or "")
