"""A million members with ten million orders through the product: import, a first night of everything, a second after
one in a hundred changed, and whether what was kept step by step is what computing everyone anew gives.

    python run.py bench members        (or: python -m tests.benchmarks.members --people 100000)

Orders are loaded by the product itself from a file (`--import-lines`, a tenth of them unless said otherwise) into a
database of its own; the ten million of the nights are written by PostgreSQL, which is quicker. Takes about an hour
at full size.
"""

import argparse
import csv
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import func, make_url, select, update

from api.importing import Importer
from api.mapping import Map
from domain.operations import tiering
from jobs import retag, scores, tiers
from jobs.runner import quiet
from models.programme import MemberTag, Tag, TierLine
from models.session import Sessions, make_engine
from tests.benchmarks._bench import cpu_seconds, database, load_now, postgres, report
from tests.benchmarks._crowd import TODAY, Crowd, filled
from tests.support.postgres import PostgresServer

DAY = date.fromisoformat(TODAY)
FIGURE = 0.3  # of the whole, after one in a hundred changed
PIECE = 10_000
COLUMNS = (
    "order_id", "line_no", "member_ref", "paid_at", "channel", "store", "sku", "product", "category", "quantity",
    "amount", "kind", "refund_of",
)  # fmt: skip


def main() -> None:
    arguments = _arguments()
    figures: dict[str, Any] = {"members": arguments.people, "purchases": arguments.people * 10}
    with postgres() as server:
        figures |= _import(server, arguments.people // 10, arguments.import_lines or arguments.people)
        url = database(server.url, "members")
        spent = filled(url, people=arguments.people, purchases=arguments.people * 10, events=arguments.people * 2)
        print(f"{arguments.people:,} members with {arguments.people * 10:,} orders, made in {spent:.0f} s", flush=True)
        figures |= _nights(server, url, arguments.people)
        figures["load"] = load_now()
        figures["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        _table(figures)
        report("members", figures, server=server)
    differing = sum(figures["second"][each]["differing"] for each in figures["second"])
    sys.exit(1 if differing else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--import-lines", type=int, default=0)
    return parser.parse_args()


# --- import -------------------------------------------------------------------------------------------------


def _import(server: PostgresServer, people: int, lines: int) -> dict[str, Any]:
    """`flask import` of that many members and order lines, as one process."""
    url = database(server.url, "imported")
    crowd = Crowd(url)
    crowd.tiers()
    crowd.done()
    sessions = Sessions(make_engine(url))
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="regulars-members-") as folder:
        for what, path, count in (
            ("members", _members_file(Path(folder), people), people),
            ("purchases", _purchases_file(Path(folder), people, lines), lines),
        ):
            spent = _spent(server, lambda what=what, path=path: _load(sessions, what, path))
            figures[f"import_{what}"] = {"lines": count, "per_second": count / spent["seconds"], **spent}
            print(f"imported {count:,} {what}: {spent['seconds']:.0f} s", flush=True)
    sessions.engine.dispose()
    return figures


def _members_file(folder: Path, people: int) -> Path:
    path = folder / "members.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["member_ref", "name", "joined_at"])
        rows.writerows([f"m{n}", f"Member {n}", "2024-01-01"] for n in range(1, people + 1))
    return path


def _purchases_file(folder: Path, people: int, lines: int) -> Path:
    path, dice, start = folder / "purchases.csv", random.Random(4), datetime(2024, 11, 20, tzinfo=UTC)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for n in range(lines):
            at = start + timedelta(seconds=n * 730 * 86_400 // lines)
            rows.writerow([
                f"o{n}", 1, f"m{1 + dice.randrange(people)}", at.isoformat(), "store", "main", f"sku{n % 500}", "Thing",
                f"cat{n % 20}", 1, 50 + dice.randrange(3000), "sale", "",
            ])  # fmt: skip
    return path


def _load(sessions: Sessions, what: str, path: Path) -> None:
    done = Importer(sessions, what, path, Map(reads=what), path.with_suffix(".rejected.csv"), datetime.now(UTC)).run()
    assert not done.rejected, done.rejected


# --- nights -------------------------------------------------------------------------------------------------


def _nights(server: PostgresServer, url: str, people: int) -> dict[str, Any]:
    sessions = Sessions(make_engine(url))
    _fifty_tags(sessions)
    first, second = night_of(DAY), night_of(DAY + timedelta(days=1))
    jobs: dict[str, Callable[[datetime], Any]] = {
        "scores": lambda now: scores.run(sessions, now=now, progress=quiet),
        "retag": lambda now: retag.run(sessions, now=now, progress=quiet),
        "tiers": lambda now: tiers.run(sessions, now=now, progress=quiet),
    }
    whole: dict[str, dict[str, Any]] = {}
    for name, job in jobs.items():
        work = (lambda: _settle_everyone(sessions, people, first)) if name == "tiers" else (lambda job=job: job(first))
        whole[name] = _spent(server, work)
        print(f"first night, {name}: {whole[name]['seconds']:.0f} s", flush=True)
    _one_in_a_hundred(url, people)
    changed: dict[str, dict[str, Any]] = {}
    for name, job in jobs.items():
        changed[name] = _spent(server, lambda job=job: job(second))
        changed[name]["share"] = changed[name]["seconds"] / whole[name]["seconds"]
        print(f"second night, {name}: {changed[name]['seconds']:.1f} s", flush=True)
    changed["scores"]["differing"] = scores.compare(sessions, DAY + timedelta(days=1), quiet)["differences"]
    changed["retag"]["differing"] = _retag_differences(sessions, second)
    changed["tiers"]["differing"] = _settle_everyone(sessions, people, second)
    with sessions.reading() as session:
        tags = session.scalar(select(func.count()).select_from(MemberTag).where(MemberTag.removed_at.is_(None)))
        steps = session.scalar(select(func.count()).select_from(TierLine))
    sessions.engine.dispose()
    total = sum(each["seconds"] for each in changed.values()) / sum(each["seconds"] for each in whole.values())
    return {"first": whole, "second": changed, "second_to_first": total, "open_tags": tags, "tier_lines": steps}


def night_of(day: date) -> datetime:
    """Ten past three, Taipei time, after that day."""
    return datetime(day.year, day.month, day.day, 19, 10, tzinfo=UTC)


def _fifty_tags(sessions: Sessions) -> None:
    """Fifty rules of the kinds brands write: what, how often, how much, how lately, and what scores say."""
    rules: list[dict[str, Any]] = [
        {"condition": "bought_category", "categories": [f"cat{n}"], "days": 90} for n in range(20)
    ]
    rules += [{"condition": "bought", "times": times, "days": 365} for times in (2, 4, 6, 8, 12)]
    rules += [
        {"condition": "spent", "amount": amount, "days": 365} for amount in (1_000, 5_000, 10_000, 15_000, 30_000)
    ]
    rules += [{"condition": "last_purchase", "compare": "at_least", "days": days} for days in (30, 60, 90, 180, 365)]
    rules += [{"condition": "rfm_group", "groups": [group]} for group in ("vip", "loyal", "new", "at_risk", "asleep")]
    rules += [{"condition": "did", "event": "clicked", "times": n, "days": 60} for n in (1, 2, 3)]
    rules += [
        {
            "all": [
                {"condition": "bought", "days": days},
                {"not": {"condition": "did", "event": "clicked", "days": days}},
            ]
        }
        for days in (14, 30, 60, 90)
    ]
    rules += [{"all": [{"condition": "gender_is", "genders": ["female"]}, each]} for each in rules[20:23]]
    with sessions.writing() as session:
        for n, rule in enumerate(rules):
            session.add(Tag(key=f"rule{n}", name={"en": f"Rule {n}"}, rule=rule))
        session.commit()
    assert len(rules) == 50


def _settle_everyone(sessions: Sessions, people: int, now: datetime) -> int:
    """How many lines the tier ledger lacked."""
    added = 0
    for first in range(1, people + 1, PIECE):
        with sessions.writing() as session:
            added += tiering.settle(session, range(first, min(first + PIECE, people + 1)), is_history=True, now=now)
            session.commit()
    return added


def _retag_differences(sessions: Sessions, now: datetime) -> int:
    """Everyone is asked about every rule: how many tags the movers alone had left wrong."""
    with sessions.writing() as session:
        session.execute(update(Tag).values(compared_at=None))
        session.commit()
    return int(retag.run(sessions, now=now, progress=quiet)["differences"])


def _one_in_a_hundred(url: str, people: int) -> None:
    """The next day: one in a hundred buys. What the first night changed was changed a day ago."""
    day = DAY + timedelta(days=1)
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("UPDATE member SET changed_at = changed_at - interval '1 day'")
        connection.execute(
            f"""
            INSERT INTO purchase
              (order_ref, member_id, paid_at, day, recorded_at, channel, net_amount, source, changed_at)
            SELECT 'new' || n, 1 + (n * 7919) % {people}, '{day}'::date + interval '4 hours', '{day}',
              '{day}'::date + interval '5 hours', 'store', 500 + n % 20000, 'pos', clock_timestamp()
            FROM generate_series(1, {people // 100}) n
            """.encode()
        )
        connection.execute(
            b"""
            INSERT INTO purchase_line (purchase_id, line_no, sku, product, category, quantity, amount, kind, allocated)
            SELECT id, 1, 'sku' || id % 500, 'Thing', 'cat' || id % 20, 1, net_amount, 'sale', 0
            FROM purchase WHERE order_ref LIKE 'new%'
            """
        )


# --- what is said ---------------------------------------------------------------------------------------------


def _spent(server: PostgresServer, work: Callable[[], Any]) -> dict[str, Any]:
    before, began = cpu_seconds(server.process.pid) + time.process_time(), time.perf_counter()
    work()
    return {
        "seconds": time.perf_counter() - began,
        "cpu_s": cpu_seconds(server.process.pid) + time.process_time() - before,
    }


def _table(figures: dict[str, Any]) -> None:
    for what in ("members", "purchases"):
        of = figures[f"import_{what}"]
        print(f"import {what:10} {of['lines']:>12,} lines {of['seconds']:8.0f} s  {of['per_second']:8.0f} a second")
    print(f"{'':22}{'first night':>14}{'CPU':>9}{'1 % changed':>14}{'CPU':>9}{'share':>8}{'differ':>8}")
    for name, of in figures["first"].items():
        then = figures["second"][name]
        print(f"{name:22}{of['seconds']:12.1f} s{of['cpu_s']:9.1f}{then['seconds']:12.1f} s{then['cpu_s']:9.1f}"
              f"{then['share']:8.2f}{then['differing']:8}")  # fmt: skip
    print(f"all of it, after 1 % changed: {figures['second_to_first']:.2f} of the whole (figure: {FIGURE} or less)")
    print(f"{figures['open_tags']:,} tags, {figures['tier_lines']:,} tier lines; "
          f"the process took {figures['peak_megabytes']} MB at most")  # fmt: skip


if __name__ == "__main__":
    main()
