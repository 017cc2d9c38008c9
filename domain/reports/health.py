"""Is everything all right? How far reading and sending are behind, who is at work, and what waits for a person.

Every question is answered by a row or a short stretch of an index, never by counting a large table: it is
asked at every scrape and for the mark on every console page.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from domain.reports import points
from models.automation import Enrolment, JobRun
from models.campaign import Campaign, CampaignChunk
from models.channel import the_channel
from models.inbox import InboundBody, WebhookEvent
from models.mission import ProgrammeVersion
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.running import Process
from models.staff import care_waits

# Behind by more than this is trouble.
INBOX_BOUND = timedelta(minutes=2)
LETTERS_BOUND = timedelta(minutes=5)
FREEZING_BOUND = timedelta(minutes=10)
STUCK_CHUNK = timedelta(minutes=2)  # after its lease has passed
ALIVE = timedelta(seconds=45)  # since a process last gave a sign
LATE_JOB = timedelta(minutes=20)  # after it was due
LEAST_FREE = 2**30
ZERO = timedelta()


@dataclass(frozen=True)
class Lags:
    """How long the oldest thing of each kind has waited."""

    inbox: timedelta
    letters: timedelta

    def over(self) -> list[str]:
        """The names of those beyond their bounds."""
        found = {"inbox": self.inbox > INBOX_BOUND, "outbox": self.letters > LETTERS_BOUND}
        return [name for name, is_over in found.items() if is_over]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. `kind` says which; `count` of how many; `values` fill its words."""

    kind: str
    count: int = 1
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Room:
    """How large the database is, in bytes; `free` is known where its disk is ours."""

    size: int
    free: int | None


def lags(session: Session, *, now: datetime, machine: datetime) -> Lags:
    oldest = select(InboundBody.received_at).where(InboundBody.state == "new").order_by(InboundBody.id).limit(1)
    due = session.scalar(_due_letters(session, now))
    received = session.scalar(oldest)
    return Lags(
        inbox=max(machine - received, ZERO) if received else ZERO,
        letters=max(now - due, ZERO) if due else ZERO,
    )


def _due_letters(session: Session, now: datetime) -> Select[datetime]:
    """What is held back on purpose (a stopped channel, marketing at night) is not late."""
    letter = OutgoingMessage
    oldest = select(letter.due_at).where(letter.state == "queued", letter.due_at <= now)
    if the_channel(session).stopped_reason:
        oldest = oldest.where(letter.reply_token.is_not(None))
    if the_brand(session).is_quiet(now):
        oldest = oldest.where(letter.kind != "marketing")
    return oldest.order_by(letter.due_at).limit(1)


def undecided(session: Session) -> dict[str, int]:
    """What only a person can decide, by kind: one statement, each part of it a stretch of an index."""
    event, body, letter, chunk = WebhookEvent, InboundBody, OutgoingMessage, CampaignChunk
    parts = {
        "parked_events": select(func.count()).where(event.state == "parked"),
        "parked_bodies": select(func.count()).where(body.state == "parked"),
        "unsure_letters": select(func.count()).where(letter.state == "unsure"),
        "unsure_chunks": select(func.count()).where(chunk.state == text("'unsure'")),
        "failed_cases": select(func.count()).where(Enrolment.state == "failed"),
        "open_care": select(func.count()).where(care_waits()),
        "failed_programmes": select(func.count()).where(ProgrammeVersion.state == "failed"),
        "paused_campaigns": select(func.count()).where(Campaign.state == "paused", Campaign.paused_reason.is_not(None)),
    }
    row = session.execute(select(*(part.scalar_subquery().label(name) for name, part in parts.items()))).one()
    return {name: getattr(row, name) for name in parts}


def stuck_sending(session: Session, *, now: datetime, machine: datetime) -> dict[str, int]:
    """Campaigns that should be moving and are not."""
    chunk = CampaignChunk
    if the_channel(session).stopped_reason or the_brand(session).is_quiet(now):
        return {}
    overdue = func.coalesce(Campaign.scheduled_at, Campaign.state_at) < now - FREEZING_BOUND
    abandoned = select(func.count()).where(
        chunk.settled_at.is_(None), chunk.state == "claimed", chunk.lease_until < machine - STUCK_CHUNK,
        chunk.campaign_id.in_(select(Campaign.id).where(Campaign.state == "sending")),
    )  # fmt: skip
    return {
        "not_begun": session.scalar(
            select(func.count()).where(Campaign.state.in_(("approved", "freezing")), overdue)
        ) or 0,
        "abandoned_chunks": session.scalar(abandoned) or 0,
    }  # fmt: skip


def processes(session: Session, machine: datetime) -> Sequence[Process]:
    """Who is at work: processes that gave a sign of life a moment ago."""
    alive = select(Process).where(Process.seen_at > machine - ALIVE)
    return session.scalars(alive.order_by(Process.kind, Process.name)).all()


def latest_runs(session: Session) -> dict[str, JobRun]:
    """The latest run of each job."""
    newest = select(func.max(JobRun.id)).group_by(JobRun.job)
    return {run.job: run for run in session.scalars(select(JobRun).where(JobRun.id.in_(newest)))}


def findings(
    session: Session,
    *,
    jobs_due: Iterable[tuple[str, datetime]],
    now: datetime,
    machine: datetime,
) -> list[Finding]:
    """Everything that is not as it should be, the worst first; empty when all is right."""
    behind = lags(session, now=now, machine=machine)
    stopped = the_channel(session).stopped_reason
    kinds = {each.kind for each in processes(session, machine)}
    return [
        *([Finding("channel_stopped", values={"reason": stopped})] if stopped else []),
        *(Finding(f"no_{kind}") for kind in ("worker", "clock") if kind not in kinds),
        *(Finding(f"{name}_behind", values={"minutes": _minutes(behind, name)}) for name in behind.over()),
        *(Finding(k, n) for k, n in stuck_sending(session, now=now, machine=machine).items() if n),
        *(Finding(k, n) for k, n in undecided(session).items() if n),
        *([Finding("points_differ", len(uneven))] if (uneven := points.reported(session)) else []),
        *_jobs_not_well(session, jobs_due, now=now),
        *_short_of_room(session),
    ]


def _minutes(behind: Lags, name: str) -> int:
    return round((behind.inbox if name == "inbox" else behind.letters) / timedelta(minutes=1))


def _jobs_not_well(session: Session, jobs_due: Iterable[tuple[str, datetime]], *, now: datetime) -> list[Finding]:
    runs = latest_runs(session)
    found = []
    for name, due in jobs_due:
        run = runs.get(name)
        if run is not None and run.state == "failed":
            found.append(Finding("job_failed", values={"job": name}))
        elif now - due > LATE_JOB and (run is None or run.started_at < due):
            found.append(Finding("job_late", values={"job": name}))
    return found


def _short_of_room(session: Session) -> list[Finding]:
    room = room_of(session)
    if room.free is None or room.free > LEAST_FREE:
        return []
    return [Finding("disk_short", values={"megabytes": room.free // 2**20})]


def room_of(session: Session) -> Room:
    engine = session.get_bind()
    if engine.dialect.name == "postgresql":
        return Room(session.scalar(select(func.pg_database_size(func.current_database()))) or 0, None)
    path = Path(engine.engine.url.database or "")
    if not path.is_file():
        return Room(0, None)
    written = sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*") if each.is_file())
    return Room(written, shutil.disk_usage(path.parent).free)
