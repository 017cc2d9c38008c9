"""What the worker does besides reading and sending: freezing campaigns, and the jobs the clock hands out.

Campaigns are found by looking at their rows; a bell only says when to look. Jobs come
through Procrastinate on PostgreSQL (on SQLite the clock runs them itself). Whatever is lost on the way is
handed out again by the clock's next look at `job_run`.
"""

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import OperationalError

from door import Service
from jobs import campaigns
from jobs.runner import LEASE, all_jobs, run_if_due
from models import wake

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.jobs import Job

log = structlog.get_logger()
AT_ONCE = 2  # queued jobs a worker runs at a time
LOOK_SECONDS = 5.0
# Of a lease: how often a worker says that it lives, and after what silence it is taken for dead.
BEAT, SILENCE = 1 / 6, 1 / 2


class QueueReader:
    """Looks for campaigns to work on until told to stop; `step` is one look, for tests."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def run(self, stop: threading.Event) -> None:
        bells = self.service.sessions.bells
        rest = wake.Rest(bells)
        while not stop.is_set():
            try:
                done = self.step()
            except Exception:
                log.exception("queued work failed; it is looked at again")
                done = 0
            bells[wake.WORK].wait(stop, rest.after(done))

    def step(self) -> int:
        return campaigns.step(self.service)


class QueuedJobs:
    """Runs what was deferred (models/wake.py), on PostgreSQL, until told to stop."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.lease = service.extra.get("job_lease", LEASE)
        self.beat, self.silence = (self.lease.total_seconds() * share for share in (BEAT, SILENCE))

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                asyncio.run(self._work(stop))
            except Exception as error:  # the database is away; the jobs wait there
                log.error("queue trouble", error=str(error)[:300])
            stop.wait(1)

    async def _work(self, stop: threading.Event) -> None:
        async with self._app(stop).open_async() as app:
            worker = asyncio.create_task(
                app.run_worker_async(
                    concurrency=AT_ONCE, delete_jobs="successful", install_signal_handlers=False,
                    fetch_job_polling_interval=LOOK_SECONDS,
                    update_heartbeat_interval=self.beat, stalled_worker_timeout=self.silence,
                )
            )  # fmt: skip
            sweeper = asyncio.create_task(self._retry_stalled(app))
            while not stop.is_set() and not worker.done() and not sweeper.done():
                await asyncio.wait({worker, sweeper}, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            for task in (sweeper, worker):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def _app(self, stop: threading.Event) -> "App":
        from procrastinate import App, PsycopgConnector

        address = wake.address(self.service.sessions.engine)
        app = App(connector=PsycopgConnector(conninfo=address, min_size=1, max_size=AT_ONCE + 2))

        @app.task(name=wake.RUN_JOB)
        def run_job(name: str, *, asked: bool = False) -> None:
            self.run_job(name, stop, asked=asked)

        return app

    def run_job(self, name: str, stop: threading.Event, *, asked: bool = False) -> None:
        """A job of the timetable, for its latest period; one this version does not know is passed over."""
        job = all_jobs().get(name)
        if job is None:
            return
        sessions = self.service.sessions
        with sessions.reading() as session:
            now = self.service.clock.shared_now(session)
        try:
            run_if_due(sessions, job, now=now, lease=self.lease, stop=stop, asked=asked)
        except OperationalError as error:  # the clock hands it out again
            log.error("database trouble", job=name, error=str(error)[:300])

    async def _retry_stalled(self, app: "App") -> None:
        """Puts back what a killed worker had taken: whoever is alive takes it up."""
        while True:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self.silence):
                log.warning("a worker died over a job; it is tried again", task=job.task_name)
                await _retry(app, job)
            await asyncio.sleep(self.beat)


async def _retry(app: "App", job: "Job") -> None:
    """Unless the clock has handed it out again, or another worker has seen to it, before us."""
    from procrastinate.exceptions import ConnectorException, UniqueViolation
    from procrastinate.jobs import Status

    try:
        await app.job_manager.retry_job(job)
    except UniqueViolation:  # its successor waits behind its lock
        with contextlib.suppress(ConnectorException):
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
    except ConnectorException as error:
        log.info("a stalled job was gone already", task=job.task_name, error=str(error)[:300])
