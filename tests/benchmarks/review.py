"""B8: the Review of a large brand: its page's data from rollups, against the same figures counted in the rows.

python -m tests.benchmarks.review [--members N] [--events N]

1,000,000 members and 20,000,000 events of a year (`--events 50000000` for the full size). Everything the page
reads is timed, every list of people behind its figures is opened, and all of it is compared with a recount of the
rows as of the same moment. About eight minutes for 20 million events, most of them filling and recounting.
"""

import argparse
import resource
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import psycopg
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.metrics import all_metrics
from domain.metrics._counting import SIDES, TOP, Place, measure, people
from domain.metrics._shape import Figure, Metric, Period
from domain.operations import closing
from domain.reports import recording_check
from domain.reports.month_people import behind, layers_behind
from domain.reports.monthly_review import figures_of, history, latest_month, review
from jobs import rollups
from models.campaign import Campaign
from models.channel import the_channel
from models.event import Event
from models.purchase import Purchase
from models.session import Sessions, make_engine
from tests.benchmarks._bench import cpu_seconds, database, load_now, postgres, report, timed
from tests.benchmarks._crowd import Crowd

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
OPEN, CLOSED = Month(2026, 11), Month(2026, 10)
SENDS = {"sale_oct": "2026-10-06", "news_oct": "2026-10-20", "sale_nov": "2026-11-04", "news_nov": "2026-11-12"}
LATE = 1_000
Found = TypeVar("Found")


def fill(url: str, *, members: int, events: int) -> float:
    began = time.monotonic()
    crowd = Crowd(url)
    crowd.tiers()
    crowd.people(members)
    crowd.tags([0.5, 0.2, 0.05])
    crowd.purchases(2 * members)
    crowd.events(events)
    _send(url, crowd, members)
    crowd.done()
    return time.monotonic() - began


def _send(url: str, crowd: Crowd, members: int) -> None:
    """Four messages to a third of everyone each, a fiftieth of whom tapped; and a fair in October."""
    engine = make_engine(url)
    with Sessions(engine).writing() as session:
        channel = the_channel(session).id
        for ref in (*SENDS, "fair"):
            session.add(Campaign(ref=ref, name=ref, state="sent", state_at=NOW, created_at=NOW, channel_id=channel))
        session.commit()
        ids = {row[0]: row[1] for row in session.execute(select(Campaign.ref, Campaign.id))}
    engine.dispose()
    for n, (ref, day) in enumerate(SENDS.items()):
        crowd._run(
            f"""INSERT INTO recipient (campaign_id, member_id, occasion, arm, state, segments, merge, due_at, sent_at,
                  was_reachable)
                SELECT {ids[ref]}, m, '', 'sent', 'sent',
                  CASE WHEN m % 7 = 0 THEN '["a", "b"]' ELSE '["a"]' END::jsonb, '{{}}', t, t, m % 100 <> 2
                FROM (SELECT m, '{day} 04:00+00'::timestamptz AS t
                      FROM generate_series({1 + n}, {members}, 3) m) those"""
        )
        _events(crowd, "clicked", f"generate_series({1 + n}, {members}, 150)", f"{day} 06:00+00", ids[ref])
    _events(crowd, "participated", f"generate_series(5, {members}, 40)", "2026-10-10 04:00+00", ids["fair"])


def _events(crowd: Crowd, kind: str, members: str, at: str, campaign_id: int) -> None:
    crowd._run(
        f"""INSERT INTO event (member_id, kind, occurred_at, recorded_at, day, source, campaign_id, data, is_history)
            SELECT m, '{kind}', '{at}', '{at}', '{at[:10]}', 'line', {campaign_id}, '{{}}', false FROM {members} m"""
    )


def spent(work: Callable[[], Found]) -> tuple[Found, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def keep(sessions: Sessions, server_pid: int) -> dict[str, Any]:
    """Closes October and runs the job that keeps everything; what that costs."""
    ours, theirs = time.process_time(), cpu_seconds(server_pid)
    with sessions.reading() as session:
        counted, counting = spent(lambda: closing.count(session, CLOSED, now=NOW))
    with sessions.writing() as session:
        _, storing = spent(lambda: closing.store(session, counted))
        session.commit()
    bytes_kept = sum(len(each["ids"]) for each in counted.people)
    made, first = spent(lambda: rollups.run(sessions, now=NOW, progress=lambda _words: None))
    assert made["drafts"] == [str(OPEN)], made
    _, again = spent(lambda: rollups.run(sessions, now=NOW + timedelta(minutes=1), progress=lambda _words: None))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"closing {CLOSED}: counted in {counting:.1f} s, written in {storing:.1f} s "
          f"({len(counted.people)} lists of people, {bytes_kept / 1e6:.1f} MB)")  # fmt: skip
    print(f"rollups: the first time (all days, a draft, all sets) {first:.1f} s, a minute later {again:.2f} s")
    print(f"CPU: ours {time.process_time() - ours:.1f} s, PostgreSQL's {cpu_seconds(server_pid) - theirs:.1f} s; "
          f"peak memory {memory:.0f} MB")  # fmt: skip
    return {"closing_s": counting, "closing_write_s": storing, "rollups_s": first, "rollups_again_s": again,
            "memory_mb": memory, "kept_mb": bytes_kept / 1e6}  # fmt: skip


def late_records(sessions: Sessions) -> dict[str, Any]:
    """Records of October that arrive now: shown as late once the rollup has looked, and counted right."""
    at, later = NOW + timedelta(minutes=2), NOW + timedelta(minutes=3)
    with sessions.writing() as session:
        session.execute(text(
            "INSERT INTO event (member_id, kind, occurred_at, recorded_at, day, source, data, is_history) "
            "SELECT m, 'visited', '2026-10-10 04:00+00', :at, '2026-10-10', 'import', '{}', true "
            "FROM generate_series(1, :n) m"
        ), {"at": at, "n": LATE})  # fmt: skip
        session.commit()
    _, looking = spent(lambda: rollups.run(sessions, now=later, progress=lambda _words: None))
    with sessions.reading() as session:
        shown, reading = spent(lambda: review(session, CLOSED, now=later).arrived_late)
        counted, raw = spent(lambda: sum(
            session.scalar(select(func.count()).where(
                table.recorded_at > NOW, table.day.between(CLOSED.first, CLOSED.last))) or 0
            for table in (Event, Purchase)))  # fmt: skip
    print(f"late: {LATE} records noticed in {looking:.2f} s; shown {shown}, counted {counted}; "
          f"the closed month's page in {reading * 1000:.0f} ms, the raw count alone {raw * 1000:.0f} ms")  # fmt: skip
    return {"late_shown": shown, "late_counted": counted, "late_page_ms": reading * 1000, "late_raw_ms": raw * 1000}


def page_data(session: Session) -> None:
    """Everything the page and its six charts ask for."""
    latest_month(session, now=NOW)
    review(session, OPEN, now=NOW)
    history(session, OPEN)
    for metric in all_metrics().values():
        history(session, OPEN)
        figures_of(session, OPEN, now=NOW, only=metric.key)


def each_part(sessions: Sessions) -> dict[str, float]:
    """Milliseconds of what the page is made of, each request with a session of its own."""
    calendar_day = NOW.date()
    parts: dict[str, Callable[[Session], Any]] = {
        "all of it": page_data,
        "review": lambda session: review(session, OPEN, now=NOW),
        "silences": lambda session: recording_check.silences(session, OPEN, today=calendar_day),
        "history": lambda session: history(session, OPEN),
        "a closed month": lambda session: review(session, CLOSED, now=NOW),
        "a list of people": lambda session: behind(
            session, all_metrics()["tag_coverage"], OPEN, place=TOP, side="of", now=NOW),
    }  # fmt: skip
    found = {}
    for name, work in parts.items():

        def asked(work: Callable[[Session], Any] = work) -> None:
            with sessions.reading() as session:
                work(session)

        found[name] = timed(asked, rounds=9)["median_ms"]
    return found


def recount(sessions: Sessions, server_pid: int) -> dict[str, Any]:
    """Counts the rows again as of the same moment, and compares figures and people, part by part."""
    theirs, unlike, lists = cpu_seconds(server_pid), [], 0
    took = {}
    with sessions.reading() as session:
        period = Period(OPEN, calendar_of(session), NOW)
        kept = figures_of(session, OPEN, now=NOW)
        for key, metric in all_metrics().items():
            raw, took[key] = spent(lambda metric=metric: measure(session, metric, period))
            if raw != kept[key]:
                unlike.append(key)
            wrong, opened = _people_unlike(session, metric, period, raw)
            unlike += wrong
            lists += opened
        quiet, raw_silences = spent(lambda: _raw_days(session))
        if quiet != _kept_days(session):
            unlike.append("days")
    print(f"raw: {', '.join(f'{key} {seconds:.1f} s' for key, seconds in took.items())}, days {raw_silences:.1f} s")
    print(f"compared: 6 figures with all parts, {lists} lists of people, every day; otherwise: {unlike or 'none'}")
    return {"raw_s": took, "raw_days_s": raw_silences, "lists": lists, "unlike": unlike,
            "raw_postgres_cpu_s": cpu_seconds(server_pid) - theirs}  # fmt: skip


def _people_unlike(session: Session, metric: Metric, period: Period, figure: Figure) -> tuple[list[str], int]:
    """The metric's own figure with everybody by name; of its parts, how many."""
    wrong, opened = [], 0
    for side in SIDES:
        counted = Counter(
            {row[0]: int(row[1]) for row in session.execute(people(metric, period, place=TOP, side=side))}
        )
        layers = layers_behind(session, metric, OPEN, side=side, now=NOW)
        listed = Counter(each for layer in layers for each in layer)
        if listed != counted:
            wrong.append(f"{metric.key} {side}")
        places: dict[Place, Figure] = {(part, ""): each for part, each in figure.parts.items()}
        for place, part in places.items():
            found = behind(session, metric, OPEN, place=place, side=side, now=NOW)
            opened += 1
            if found.total != getattr(part, side):
                wrong.append(f"{metric.key} {place} {side}")
    return wrong, opened + len(SIDES)


def _raw_days(session: Session) -> dict[str, Any]:
    first, last = OPEN.first - recording_check.LOOK_BACK, OPEN.last
    counts: dict[str, Any] = {}
    for query in (recording_check._events(first, last), recording_check._orders(first, last)):
        for kind, day, n in session.execute(query):
            counts.setdefault(kind, {})[day] = n
    return counts


def _kept_days(session: Session) -> dict[str, Any]:
    first, last = OPEN.first - recording_check.LOOK_BACK, OPEN.last
    return dict(recording_check._daily_counts(session, first, last))


def sizes(url: str) -> str:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        row = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    return str(row[0]) if row else "?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    asked = parser.parse_args()
    closing.LARGE = 0  # rehearsals with few events use the rollups too
    with postgres() as server:
        url, pid = database(server.url, "review"), server.process.pid
        filling = fill(url, members=asked.members, events=asked.events)
        print(f"{asked.members:,} members, {asked.events:,} events, {2 * asked.members:,} orders, {sizes(url)}; "
              f"filled in {filling:.0f} s; load {load_now():.1f}")  # fmt: skip
        sessions = Sessions(make_engine(url))
        figures = keep(sessions, pid)
        parts = each_part(sessions)
        print("the page's data, ms: " + ", ".join(f"{name} {each:.1f}" for name, each in parts.items()))
        raw = recount(sessions, pid)
        figures |= raw | late_records(sessions)
        sessions.engine.dispose()
        total = sum(raw["raw_s"].values()) + raw["raw_days_s"]
        reached = parts["all of it"] <= 150 and not raw["unlike"]
        print(f"≤ 150 ms from rollups and equal to raw: {'reached' if reached else 'not reached'} "
              f"({total * 1000 / parts['all of it']:.0f} times as fast as counting)")  # fmt: skip
        report("review", {"members": asked.members, "events": asked.events, "page_ms": parts, **figures,
                          "filling_s": filling, "load": load_now(), "reached": reached}, server=server)  # fmt: skip
        if raw["unlike"] or figures["late_shown"] != figures["late_counted"]:
            raise SystemExit("rollups and rows disagree")


if __name__ == "__main__":
    main()
