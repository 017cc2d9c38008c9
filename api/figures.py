"""The figures of GET /metrics, for all processes on all hosts: whichever is asked tells the same.

What has been counted comes from the `tally` table, to which every process adds every ten seconds. What waits is
read from short stretches of indexes. Nothing large is counted: people are PostgreSQL's own estimate, and of what
failed or was withheld only the last day is told by reason.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, literal, select, text
from sqlalchemy.orm import Session

from domain.reports import health
from models.campaign import CampaignChunk
from models.channel import RateBucket, the_channel
from models.clock import machine_now
from models.inbox import InboundBody, WebhookEvent
from models.member import Member
from models.outbox import OutgoingMessage
from models.running import Tally
from models.tallies import BOUNDS

LABEL = re.compile(r'(\w+)="([^"]*)"')
HELP = {
    "regulars_ack_seconds": "Answering LINE's webhooks, by status",
    "regulars_http_seconds": "Answering everybody else, by door",
    "regulars_line_seconds": "Waiting for LINE's answers, by endpoint",
    "regulars_line_answers": "What LINE answered to our sending, by endpoint, verdict and status",
}
# What stands still; `sent` and `done` are counted as they happen, in the tallies.
OPEN_LETTERS = ("queued", "claimed", "unsure")
ENDED_LETTERS = ("failed", "withheld", "cancelled", "unsure")
Rows = Iterable[tuple[tuple[str, ...], float]]


class Figures(Collector):
    """Read from the tables at each scrape."""

    def __init__(self, session: Session, now: datetime, *, version: str) -> None:
        self._session, self._now, self._version = session, now, version
        self._machine = machine_now(session)

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield _gauge("regulars_info", "Which version answers", ["version"], [((self._version,), 1)])
        yield from self._tallied()
        yield from self._waiting()
        yield from self._line()
        yield from self._jobs()
        yield from self._house()

    def _tallied(self) -> Iterator[Metric]:
        """Counters as they are, and buckets put together to histograms."""
        counted: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
        for row in self._session.scalars(select(Tally)):
            counted[row.name].append((dict(LABEL.findall(row.labels)), row.value))
        for name, rows in sorted(counted.items()):
            if name.endswith("_bucket"):
                base = name.removesuffix("_bucket")
                yield _histogram(base, rows, counted.get(f"{base}_sum", []))
            elif not (name.endswith("_sum") and f"{name.removesuffix('_sum')}_bucket" in counted):
                labels = sorted({label for each, _ in rows for label in each})
                family = CounterMetricFamily(name, HELP.get(name, name), labels=labels)
                for each, value in rows:
                    family.add_metric([each.get(label, "") for label in labels], value)
                yield family

    def _waiting(self) -> Iterator[Metric]:
        behind = health.lags(self._session, now=self._now, machine=self._machine)
        letter, chunk = OutgoingMessage, CampaignChunk
        yield _single("regulars_inbox_lag_seconds", "Age of the oldest unread webhook body", behind.inbox)
        yield _single("regulars_outbox_lag_seconds", "How long the oldest due message waits", behind.letters)
        yield self._states("regulars_inbox_bodies", "Webhook bodies not done", InboundBody, ("new", "parked"))
        yield self._states("regulars_webhook_events", "Events not done", WebhookEvent, ("retry", "parked"))
        yield self._states("regulars_messages", "Personal messages not done", letter, OPEN_LETTERS)
        ended = (
            select(letter.state, func.coalesce(letter.reason, ""), func.count())
            .where(letter.state.in_(ENDED_LETTERS), letter.due_at > self._now - timedelta(days=1))
            .group_by(letter.state, letter.reason)
        )
        rows = [((state, _short(reason)), n) for state, reason, n in self._session.execute(ended)]
        yield _gauge("regulars_messages_not_sent", "Of the last day, by reason", ["state", "reason"], _summed(rows))
        chunks = select(chunk.state, func.count()).where(chunk.settled_at.is_(None)).group_by(chunk.state)
        open_chunks = [((state,), n) for state, n in self._session.execute(chunks)]
        yield _gauge("regulars_chunks", "Chunks of campaigns not settled", ["state"], open_chunks)
        undecided = [((kind,), n) for kind, n in health.undecided(self._session).items()]
        yield _gauge("regulars_needs_person", "What only a person can decide", ["what"], undecided)

    def _states(self, name: str, words: str, table: type, states: tuple[str, ...]) -> Metric:
        """One question for each state: each has a small index of its own, and both together have none."""
        state = table.state  # type: ignore[attr-defined]  # each of these tables has one
        counts = (select(func.count()).where(state == literal(each, literal_execute=True)) for each in states)
        row = self._session.execute(select(*(count.scalar_subquery() for count in counts))).one()
        return _gauge(name, words, ["state"], [((each,), count) for each, count in zip(states, row, strict=True)])

    def _line(self) -> Iterator[Metric]:
        """How fast we may call, how much of the next second is given away, and what is left of the month."""
        buckets = self._session.scalars(select(RateBucket)).all()
        now_us = self._machine.timestamp() * 1_000_000
        rates = [((each.endpoint,), each.per_second) for each in buckets]
        taken = [((each.endpoint,), max(0.0, (each.next_at_us - now_us) / 1_000_000)) for each in buckets]
        yield _gauge("regulars_bucket_per_second", "Requests a second we allow ourselves", ["endpoint"], rates)
        yield _gauge("regulars_bucket_taken_seconds", "How far ahead moments are given away", ["endpoint"], taken)
        channel = the_channel(self._session)
        reason = channel.stopped_reason
        yield _gauge("regulars_channel_stopped", "1 while LINE does not let us send", ["reason"],
                     [((reason,), 1)] if reason else [])  # fmt: skip
        if channel.quota_limit is not None:
            left = channel.quota_limit - (channel.quota_used or 0)
            yield _single("regulars_quota_left", "Messages left this month, as LINE last said", left)

    def _jobs(self) -> Iterator[Metric]:
        runs = health.latest_runs(self._session).values()
        ended = [run for run in runs if run.finished_at is not None]
        took = [
            ((run.job,), (run.finished_at - run.began_at).total_seconds())
            for run in ended
            if run.finished_at and run.began_at and run.finished_at >= run.began_at
        ]
        age = [((run.job,), (self._machine - run.finished_at).total_seconds()) for run in ended if run.finished_at]
        yield _gauge("regulars_job_seconds", "How long the job's last run took", ["job"], took)
        yield _gauge("regulars_job_age_seconds", "Since the job's last run ended", ["job"], age)
        yield _gauge(
            "regulars_job_state", "The job's last run", ["job", "state"], [((r.job, r.state), 1) for r in runs]
        )

    def _house(self) -> Iterator[Metric]:
        alive = health.processes(self._session, self._machine)
        kinds = [((kind,), sum(each.kind == kind for each in alive)) for kind in ("web", "worker", "clock")]
        yield _gauge("regulars_processes", "Processes that gave a sign of life", ["kind"], kinds)
        yield _single("regulars_people_estimate", "People known, about", _people(self._session))
        room = health.room_of(self._session)
        yield _single("regulars_database_bytes", "Size of the database", room.size)
        if room.free is not None:
            yield _single("regulars_disk_free_bytes", "Free on the database's disk", room.free)


def _people(session: Session) -> float:
    """PostgreSQL keeps an estimate of each table's rows; SQLite's key is dense, so its last one tells as much."""
    if session.get_bind().dialect.name == "postgresql":
        estimate = session.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'member'::regclass"))
        return max(0.0, float(estimate or 0))
    return session.scalar(select(func.max(Member.id))) or 0


def _histogram(
    name: str, buckets: list[tuple[dict[str, str], float]], sums: list[tuple[dict[str, str], float]]
) -> Metric:
    """Each observation was counted in its own bucket; Prometheus wants each bucket with all smaller ones."""
    labels = sorted({label for each, _ in buckets for label in each if label != "le"})
    by_labels: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for each, value in buckets:
        by_labels[tuple(each.get(label, "") for label in labels)][each["le"]] = value
    totals = {tuple(each.get(label, "") for label in labels): value for each, value in sums}
    family = HistogramMetricFamily(name, HELP.get(name, name), labels=labels)
    for key, counts in sorted(by_labels.items()):
        reached, rows = 0.0, []
        for bound in (*(f"{each:g}" for each in BOUNDS), "+Inf"):
            reached += counts.get(bound, 0)
            rows.append((bound, reached))
        family.add_metric(list(key), rows, totals.get(key, 0))
    return family


def _gauge(name: str, words: str, labels: list[str], rows: Rows) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for values, value in rows:
        family.add_metric(list(values), value)
    return family


def _single(name: str, words: str, value: float | timedelta) -> Metric:
    return GaugeMetricFamily(name, words, value=value.total_seconds() if isinstance(value, timedelta) else value)


def _short(reason: str) -> str:
    """A reason of ours is a code; LINE's words are told as such, since they may be long and name somebody."""
    return reason if re.fullmatch(r"[a-z_]{0,40}", reason) else "told_by_line"


def _summed(rows: list[tuple[tuple[str, str], int]]) -> Rows:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for key, n in rows:
        sums[key] += n
    return sums.items()
