"""B10: how each part grows from ten thousand members to a million. About six minutes.

Three orders, three events and a tag or so a member; the same code at each size, each figure once. A part grows
worse than linearly when ten times the members cost clearly more than ten times as much.

    python -m tests.benchmarks.growth [--sizes 10000 100000 1000000]
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import delete, make_url, text

from domain.calendar import Month
from domain.operations import segmenting, tagging
from domain.operations.importing_purchases import PurchaseRow, import_purchases
from domain.operations.purchasing import Line
from domain.reports.monthly_review import review
from domain.rules import context_of
from jobs import expire, retag, rollups, scores, tiers
from jobs.runner import quiet
from models.outbox import OutgoingMessage
from models.session import Sessions, make_engine
from tests.benchmarks import multicast, night
from tests.benchmarks._bench import cpu_seconds, database, load_now, postgres, report, timed
from tests.benchmarks._crowd import TODAY, filled
from tests.benchmarks._line import line
from tests.benchmarks.personal import start_worker
from tests.support.postgres import PostgresServer

SIZES = (10_000, 100_000, 1_000_000)
DAY = date.fromisoformat(TODAY)
NOW = night.night_of(DAY)
LINES = 5_000
FREQUENT = {"condition": "bought", "times": 6, "days": 365}
TEA: dict[str, Any] = {
    "all": [{"condition": "has_tag", "tag": "tag1"}, {"not": {"condition": "has_tag", "tag": "tag2"}}]
}
# What is told of each: the name of the figure, and the words; those in seconds should grow no faster than members.
TOLD = {
    "fill_s": "making the rows, s", "size_mb": "database, MB", "night_first_s": "scores of everyone, s",
    "night_one_day_s": "scores after a day, s", "retag_s": "a rule tag, first night, s",
    "retag_again_s": "  the night after, s", "tiers_s": "tiers, s", "expire_s": "expiries, s",
    "segment_ms": "a segment of two tags counted, ms", "rollups_s": "rollups, s", "review_ms": "review data, ms",
    "import_us": "importing, us CPU an order", "freezing_s": "freezing, s", "sending_s": "sending, s",
    "sending_us": "sending, us CPU a person", "worker_mb": "sender's memory, MB",
}  # fmt: skip
A_PIECE = {"import_us", "sending_us", "worker_mb"}  # not of everyone: should not grow at all


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    sizes = parser.parse_args().sizes
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        for size in sizes:
            found[size] = measured(server, size, Path(folder))
            print(f"{size:,} members done", flush=True)
        tell(found)
        report("B10 growth", {"sizes": {str(size): each for size, each in found.items()}, "load": load_now()},
               server=server)  # fmt: skip


def measured(server: PostgresServer, people: int, folder: Path) -> dict[str, float]:
    url = database(server.url, f"growth{people}")
    figures = {"fill_s": filled(url, people=people, shares=(0.3, 0.5), purchases=3 * people, events=3 * people)}
    sessions = Sessions(make_engine(url))
    figures |= _nights(sessions, url, people)
    figures |= _pages(sessions)
    figures["import_us"] = _importing(sessions, server)
    with sessions.reading() as session:
        figures["size_mb"] = (session.scalar(text("SELECT pg_database_size(current_database())")) or 0) / 2**20
    figures |= _sending(sessions, server, url, people, folder)
    sessions.engine.dispose()
    _drop(server, f"growth{people}")
    return figures


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _nights(sessions: Sessions, url: str, people: int) -> dict[str, float]:
    first = seconds(lambda: scores.run(sessions, now=NOW, progress=quiet))
    night._one_day_passes(url, DAY + timedelta(days=1), people * 3 // 10, 1)
    after = NOW + timedelta(days=1)
    one_day = seconds(lambda: scores.run(sessions, now=after, progress=quiet))
    with sessions.writing() as session:
        tagging.keep(session, key="frequent", name="Frequent", rule=FREQUENT, language="en")
        session.commit()
    return {
        "night_first_s": first, "night_one_day_s": one_day,
        "retag_s": seconds(lambda: retag.run(sessions, now=after, progress=quiet)),
        "retag_again_s": seconds(lambda: retag.run(sessions, now=after, progress=quiet)),
        "tiers_s": seconds(lambda: tiers.run(sessions, now=after, progress=quiet)),
        "expire_s": seconds(lambda: expire.run(sessions, now=after, progress=quiet)),
    }  # fmt: skip


def _pages(sessions: Sessions) -> dict[str, float]:
    rolling = seconds(lambda: rollups.run(sessions, now=NOW, progress=quiet))
    with sessions.reading() as session:
        counting = timed(lambda: segmenting.count_of(session, TEA, context_of(session, NOW)))
        reviewing = timed(lambda: review(session, Month.of(DAY), now=NOW), rounds=3)
    return {"rollups_s": rolling, "segment_ms": counting["median_ms"], "review_ms": reviewing["median_ms"]}


def _importing(sessions: Sessions, server: PostgresServer) -> float:
    """CPU of both processes for each of some new orders of members all over the base."""
    with sessions.writing() as session:
        ids = session.scalars(text("SELECT ref FROM member ORDER BY hashint8(id) LIMIT :some"), {"some": LINES})
        rows = [
            PurchaseRow(f"G{n}", ref, NOW, "store", "", Line(1, "sku1", 500)) for n, ref in enumerate(ids.all())
        ]  # fmt: skip
        before = time.process_time() + cpu_seconds(server.process.pid)
        for at in range(0, len(rows), 500):
            import_purchases(session, rows[at : at + 500], source="file", is_history=True, now=NOW)
            session.commit()
    return (time.process_time() + cpu_seconds(server.process.pid) - before) / len(rows) * 1e6


def _sending(sessions: Sessions, server: PostgresServer, url: str, people: int, folder: Path) -> dict[str, float]:
    with sessions.writing() as session:
        session.execute(delete(OutgoingMessage))  # of tiers: a message more would look like a double
        session.commit()
    ref = multicast.draft(sessions)
    with line(folder, per_second=multicast.ALLOWED) as stub:
        worker = start_worker(stub, url, folder)
        watcher = multicast.Watcher(worker.pid, server.process.pid)
        watcher.start()
        try:
            sent = multicast.measure(sessions, ref, stub, watcher, people)
        finally:
            watcher.is_over.set()
            watcher.join()
            worker.terminate()
            worker.wait(30)
    assert sent["doubles"] == 0, sent
    assert sent["state"] == "sent", sent
    cpu = watcher.samples[-1].worker - watcher.samples[0].worker
    return {
        "freezing_s": sent["freezing"], "sending_s": sent["sending"],
        "sending_us": cpu / max(sent["people"], 1) * 1e6, "worker_mb": sent["peak_mb"],
    }  # fmt: skip


def _drop(server: PostgresServer, name: str) -> None:
    address = make_url(server.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def tell(found: dict[int, dict[str, float]]) -> None:
    sizes = sorted(found)
    print(f"\n{'':36}" + "".join(f"{size:>12,}" for size in sizes) + f"{'last step':>12}")
    for name, words in TOLD.items():
        values = [found[size][name] for size in sizes]
        times = values[-1] / values[-2] if len(values) > 1 and values[-2] else 0.0
        members = sizes[-1] / sizes[-2] if len(sizes) > 1 else 1.0
        worse = times > (1.3 if name in A_PIECE else members * 1.3)
        note = "  worse than linear" if worse else ""
        print(f"{words:36}" + "".join(f"{value:>12,.2f}" for value in values) + f"{times:>11.1f}x" + note)


if __name__ == "__main__":
    main()
