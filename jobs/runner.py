"""Finds the jobs, and runs one for a period: once, under a lease, taken up again when its runner died.

Leases are told by the clock all hosts share. A runner that was away for longer than its lease (a paused
machine, a stuck disk) has lost its run: what it still tries to commit is refused (`jobs/fencing.py`).
"""

import importlib
import pkgutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

import jobs
from domain.calendar import calendar_of
from jobs.fencing import FencedSessions, Interrupted, Run, TakenOver, lease_kept
from jobs.timetable import Every, Schedule
from models.automation import JobRun
from models.clock import machine_now
from models.session import Sessions, insert_for

log = structlog.get_logger()
LEASE = timedelta(seconds=60)
# A job that failed is not tried again at once.
REST_AFTER_FAILURE = timedelta(minutes=3)
Progress = Callable[[str], None]

# What `flask job night` runs, in this order: what was planned first, scores before the tags and tiers on them.
NIGHT = (
    "programme",
    "scores",
    "retag",
    "tiers",
    "points",
    "expire",
    "doubles",
    "automations",
    "snapshot",
    "close_month",
    "reports",
    "sweep",
)


@dataclass(frozen=True)
class Job:
    """One file of this folder with a SCHEDULE and a run()."""

    name: str
    about: str
    schedule: Schedule
    run: Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Due:
    """A job's latest period, and when that began."""

    job: Job
    period: str
    at: datetime


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


def run_if_due(
    sessions: Sessions,
    job: Job,
    *,
    now: datetime,
    progress: Progress = quiet,
    lease: timedelta = LEASE,
    stop: threading.Event | None = None,
    asked: bool = False,
) -> bool:
    """Runs `job` for its latest period unless that was done, or is being done, elsewhere.

    `asked` runs one of those that run every few minutes now, not at its next time.
    """
    with sessions.reading() as session:
        due = latest(session, job, now=now)
        if asked and isinstance(job.schedule, Every):
            due = Due(job, due.period, now)
        if not is_waiting(session, due):
            return False
    run = claim(sessions, due, lease=lease)
    if run is None:
        return False
    with lease_kept(sessions, run, lease):
        return _run(sessions, job, run, now=now, progress=progress, stop=stop)


def _run(
    sessions: Sessions, job: Job, run: Run, *, now: datetime, progress: Progress, stop: threading.Event | None
) -> bool:
    try:
        report = job.run(FencedSessions(sessions, run, stop), now=now, progress=progress)
    except Interrupted:
        finish(sessions, run, state="waiting")
        return False
    except TakenOver:
        log.warning("run taken over by another", job=run.job, period=run.period)
        return False
    except Exception as error:
        log.exception("job failed", job=run.job, period=run.period)
        finish(sessions, run, state="failed", error=repr(error))
        return False
    finish(sessions, run, state="done", report=report)
    return True


def latest(session: Session, job: Job, *, now: datetime) -> Due:
    """The period `job` would run for now."""
    calendar = calendar_of(session)
    at = job.schedule.latest(now, calendar)
    return Due(job, job.schedule.period(at, calendar), at)


def is_waiting(session: Session, due: Due) -> bool:
    """Whether the period is neither done nor in the hands of somebody alive."""
    known = select(JobRun.id).where(JobRun.job == due.job.name, JobRun.period == due.period)
    if session.scalar(known) is None:
        return True
    return session.scalar(known.where(_is_free(session), _is_undone(due))) is not None


def _is_free(session: Session) -> ColumnElement[bool]:
    return or_(JobRun.lease_until.is_(None), JobRun.lease_until < machine_now(session))


def _is_undone(due: Due) -> ColumnElement[bool]:
    schedule = due.job.schedule
    if not isinstance(schedule, Every):
        return JobRun.state != "done"
    # A last run that lies ahead of us means that the clock was put back: it does not stand still until then.
    ahead = due.at + timedelta(minutes=schedule.minutes)
    return or_(JobRun.started_at < due.at, JobRun.started_at > ahead, JobRun.state != "done")


def claim(sessions: Sessions, due: Due, *, lease: timedelta = LEASE) -> Run | None:
    """The run, ours for the length of a lease; None when the period is done or somebody alive is at it."""
    with sessions.writing() as session:
        _ensure_row(session, due)
        mine = select(JobRun.id).where(JobRun.job == due.job.name, JobRun.period == due.period)
        # Locked means that its runner is committing something this very moment.
        free = mine.where(_is_free(session), _is_undone(due)).with_for_update(skip_locked=True)
        row_id = session.scalar(free)
        if row_id is None:
            session.commit()
            return None
        fence = session.execute(
            update(JobRun)
            .where(JobRun.id == row_id)
            .values(
                state="running",
                started_at=due.at,
                began_at=machine_now(session),  # how long it takes is told by the figures and the console
                lease_until=machine_now(session) + lease,
                fence=JobRun.fence + 1,
                error=None,
            )
            .returning(JobRun.fence)
        ).scalar_one()
        session.commit()
        return Run(due.job.name, due.period, fence)


def _ensure_row(session: Session, due: Due) -> None:
    before = due.at - timedelta(seconds=1)
    row = insert_for(session)(JobRun).values(
        job=due.job.name, period=due.period, state="waiting", started_at=before
    )  # fmt: skip
    session.execute(row.on_conflict_do_nothing(index_elements=["job", "period"]))


def finish(
    sessions: Sessions, run: Run, *, state: str, report: dict[str, Any] | None = None, error: str | None = None
) -> None:
    """Writes the end of a run, unless somebody has taken it over meanwhile. A failed one rests before its next try."""
    with sessions.writing() as session:
        machine = machine_now(session)
        session.execute(
            update(JobRun)
            .where(run.is_mine())
            .values(
                state=state,
                finished_at=machine,
                report=report or {},
                error=error,
                lease_until=machine + REST_AFTER_FAILURE if state == "failed" else None,
            )
        )
        session.commit()
