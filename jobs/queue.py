"""Queued work the worker does between looks: freezing campaigns that are approved and due.

The truth is the campaign's own row: a look that is lost loses nothing, and two looks do no harm.
"""

import threading

import structlog

from door import Service
from jobs import campaigns

log = structlog.get_logger()
IDLE_SECONDS = 0.5


class QueueReader:
    """Looks for queued work until told to stop; `step` is one look, for tests."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                done = self.step()
            except Exception:
                log.exception("queued work failed; it is looked at again")
                done = 0
            if not done:
                stop.wait(IDLE_SECONDS)

    def step(self) -> int:
        return campaigns.step(self.service)
