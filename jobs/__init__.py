"""The clock calls us: one file per job, its schedule in it."""

import threading
from collections.abc import Callable

from flask import Flask

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
    from jobs.queue import QueueReader

    return [QueueReader(service).run]


def clock_loops(service: Service) -> list[Callable[[threading.Event], None]]:
    """What the clock process runs: the timetable."""
    from jobs.clock import TheClock

    return [TheClock(service).run]
