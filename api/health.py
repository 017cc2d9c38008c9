"""GET /healthz, /readyz and /metrics: is the process alive, can it serve, and how far is everything behind."""

import hmac
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

import door
from domain.errors import NotSignedIn
from domain.wording import mark
from models.automation import JobRun
from models.campaign import CampaignChunk
from models.inbox import InboundBody
from models.member import Member
from models.outbox import OutgoingMessage
from models.programme import Brand

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@health.get("/readyz")
def readyz() -> Response:
    """The database answers and has been migrated."""
    try:
        ready = door.session().scalar(select(func.count()).select_from(Brand)) == 1
    except SQLAlchemyError:
        ready = False
    if not ready:
        return door.problem_of(503, "not_ready", "The database is away or was never migrated: run `flask migrate`.")
    return Response("ready\n", mimetype="text/plain")


@health.get("/metrics")
def metrics() -> Response:
    """For Prometheus; closed unless METRICS_KEY is set and sent as the bearer key."""
    expected, given = door.service().metrics_key, request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotSignedIn(mark("The figures are closed. Set METRICS_KEY and send it as the bearer key."))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Backlog(door.session(), door.now()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Backlog(Collector):
    """Figures read from the tables at each scrape, so that every process tells the same."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self._now = session, now

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        machine = datetime.now(UTC)  # inbox bodies carry machine time
        received = select(func.min(InboundBody.received_at)).where(InboundBody.state == "new")
        due = select(func.min(OutgoingMessage.due_at)).where(
            OutgoingMessage.state == "queued", OutgoingMessage.due_at <= self._now
        )
        yield self._age("regulars_inbox_lag_seconds", "Age of the oldest unread webhook body", received, machine)
        yield self._age("regulars_outbox_lag_seconds", "How long the oldest due message waits", due, self._now)
        yield self._by_state("regulars_inbox_bodies", "Webhook bodies", InboundBody.state)
        yield self._by_state("regulars_messages", "Personal messages", OutgoingMessage.state)
        yield self._by_state("regulars_chunks", "Chunks of campaigns", CampaignChunk.state)
        yield self._job_runs()
        members = self._session.scalar(select(func.count()).where(Member.registered_at.is_not(None)))
        yield GaugeMetricFamily("regulars_members", "Registered people", value=members or 0)

    def _age(self, name: str, words: str, oldest: object, now: datetime) -> Metric:
        since: datetime | None = self._session.scalar(oldest)  # type: ignore[call-overload]  # any select of one moment
        return GaugeMetricFamily(name, words, value=(now - since).total_seconds() if since else 0)

    def _by_state(self, name: str, words: str, state: InstrumentedAttribute[str]) -> Metric:
        family = GaugeMetricFamily(name, words, labels=["state"])
        for value, count in self._session.execute(select(state, func.count()).group_by(state)):
            family.add_metric([value], count)
        return family

    def _job_runs(self) -> Metric:
        family = GaugeMetricFamily("regulars_job_runs", "Runs of jobs", labels=["job", "state"])
        query = select(JobRun.job, JobRun.state, func.count()).group_by(JobRun.job, JobRun.state)
        for job, state, count in self._session.execute(query):
            family.add_metric([job, state], count)
        return family
