"""The clock calls us: one file per job, its schedule in it."""

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from flask import Flask

from domain.calendar import Calendar
from door import Service


def register(app: Flask) -> None:
    """Adds this door's commands to the application."""
    from jobs.commands import COMMANDS

    for command in COMMANDS:
        app.cli.add_command(command)
    if app.extensions["regulars"].practice:
        from jobs.practice import practice

        app.register_blueprint(practice)


def queue_loops(service: Service) -> list[Callable[[threading.Event], None]]:
    """What the worker runs for this door: work that was queued."""
    from jobs import uploads
    from jobs.queue import QueuedJobs, QueueReader

    loops: list[Callable[[threading.Event], None]] = [QueueReader(service).run, partial(uploads.run, service)]
    return [*loops, QueuedJobs(service).run] if is_postgresql(service) else loops


def is_postgresql(service: Service) -> bool:
    return service.sessions.engine.dialect.name == "postgresql"


def clock_loops(service: Service) -> list[Callable[[threading.Event], None]]:
    """What the clock process runs: the timetable."""
    from jobs.clock import TheClock

    return [TheClock(service).run]


def timetable_ahead(now: datetime, calendar: Calendar) -> list[tuple[str, datetime, datetime]]:
    """Each job by name, with when it was last due and when it is due next; for the page that says how things are."""
    from jobs.runner import all_jobs

    return [
        (job.name, job.schedule.latest(now, calendar), job.schedule.following(now, calendar))
        for job in all_jobs().values()
    ]
