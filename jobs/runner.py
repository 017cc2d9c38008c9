"""Finds the jobs, and runs one for a period: once, under a lease, taken up again when its runner died."""

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy import or_, update
from sqlalchemy.orm import Session

import jobs
from domain.calendar import calendar_of
from domain.operations.recording import insert_for
from jobs.timetable import ALWAYS, Schedule
from models.automation import JobRun
from models.session import Sessions

log = structlog.get_logger()
LEASE = timedelta(minutes=3)
HEARTBEAT_SECONDS = 45
Progress = Callable[[str], None]

# What `flask job night` runs, in this order: scores before the tags and tiers that rest on them.
NIGHT = ("scores", "retag", "tiers", "expire", "automations", "snapshot", "close_month", "sweep")


@dataclass(frozen=True)
class Job:
    """One file of this folder with a SCHEDULE and a run()."""

    name: str
    about: str
    schedule: Schedule
    run: Callable[..., dict[str, Any]]


@lru_cache
def all_jobs() -> dict[str, Job]:
    """Every job of the folder, by name."""
    found = {}
    for module_info in pkgutil.iter_modules(jobs.__path__):
        module = importlib.import_module(f"jobs.{module_info.name}")
        if hasattr(module, "SCHEDULE"):
            about = (module.__doc__ or "").split("\n\n")[0].strip()
            found[module_info.name] = Job(module_info.name, about, module.SCHEDULE, module.run)
    return found


def quiet(_words: str) -> None:
    """Progress nobody watches."""


def run_by_hand(sessions: Sessions, name: str, *, now: datetime, progress: Progress = quiet) -> dict[str, Any]:
    """Runs a job whatever has been run before. Raises KeyError for a name that is no job."""
    return all_jobs()[name].run(sessions, now=now, progress=progress)


def run_if_due(sessions: Sessions, job: Job, *, now: datetime, progress: Progress = quiet) -> bool:
    """Runs `job` for its latest period unless that was done, or is being done, elsewhere."""
    with sessions.reading() as session:
        calendar = calendar_of(session)
    due = job.schedule.latest(now, calendar)
    period = job.schedule.period(due, calendar)
    fence = claim(sessions, job.name, period, due=due)
    if fence is None:
        return False
    with lease_kept(sessions, job.name, period, fence):
        try:
            report = job.run(sessions, now=now, progress=progress)
        except Exception as error:
            log.exception("job failed", job=job.name, period=period)
            finish(sessions, job.name, period, fence, state="failed", error=repr(error))
            return False
    finish(sessions, job.name, period, fence, state="done", report=report)
    return True


def claim(sessions: Sessions, name: str, period: str, *, due: datetime) -> int | None:
    """The fence of the claim, or None when the period is done or somebody alive is at it."""
    machine = datetime.now(UTC)
    with sessions.writing() as session:
        _ensure_row(session, name, period, due)
        free = or_(JobRun.lease_until.is_(None), JobRun.lease_until < machine)
        todo = JobRun.started_at < due if period == ALWAYS else JobRun.state != "done"
        claimed = session.execute(
            update(JobRun)
            .where(JobRun.job == name, JobRun.period == period, free, todo)
            .values(
                state="running",
                started_at=due,
                began_at=machine,
                lease_until=machine + LEASE,
                fence=JobRun.fence + 1,
                error=None,
            )
            .returning(JobRun.fence)
        ).scalar()
        session.commit()
        return claimed


def _ensure_row(session: Session, name: str, period: str, due: datetime) -> None:
    before = due - timedelta(seconds=1)
    row = insert_for(session)(JobRun).values(job=name, period=period, state="waiting", started_at=before)
    session.execute(row.on_conflict_do_nothing(index_elements=["job", "period"]))


def finish(
    sessions: Sessions,
    name: str,
    period: str,
    fence: int,
    *,
    state: str,
    report: dict[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """Writes the end of a run, unless somebody has taken it over meanwhile. A failed one rests before its next try."""
    machine = datetime.now(UTC)
    with sessions.writing() as session:
        session.execute(
            update(JobRun)
            .where(JobRun.job == name, JobRun.period == period, JobRun.fence == fence)
            .values(
                state=state,
                finished_at=machine,
                report=report or {},
                error=error,
                lease_until=machine + LEASE if state == "failed" else None,
            )
        )
        session.commit()


@contextmanager
def lease_kept(sessions: Sessions, name: str, period: str, fence: int) -> Iterator[None]:
    """Renews the lease while the work goes on, so that only a dead runner loses it."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            with sessions.writing() as session:
                session.execute(
                    update(JobRun)
                    .where(JobRun.job == name, JobRun.period == period, JobRun.fence == fence)
                    .values(lease_until=datetime.now(UTC) + LEASE)
                )
                session.commit()

    heart = threading.Thread(target=renew, daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()
