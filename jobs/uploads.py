"""Loads the files that were brought to the console, one after another, in the worker (called by its loop)."""

import threading
from datetime import datetime, timedelta
from typing import Any

import structlog

from domain.errors import Refusal
from domain.operations import uploading
from door import Service
from models.clock import machine_now
from models.upload import next_upload, take_upload

log = structlog.get_logger()
LOOK_SECONDS = 2.0
# A worker that says nothing for so long is taken for dead. Two at it do no harm: a line loaded twice is one.
LEASE = timedelta(minutes=10)


def run(service: Service, stop: threading.Event) -> None:
    """Until told to stop."""
    while not stop.is_set():
        try:
            found = step(service)
        except Exception:
            log.exception("a file could not be loaded; it is tried again")
            found = 0
        if not found:
            stop.wait(LOOK_SECONDS)


def step(service: Service) -> int:
    """Loads one file, if one waits; returns how many."""
    sessions = service.sessions
    with sessions.reading() as session:
        upload_id = next_upload(session, machine_now=machine_now(session))
    if upload_id is None:
        return 0
    with sessions.writing() as session:
        machine = machine_now(session)
        is_ours = take_upload(session, upload_id, machine_now=machine, lease_until=machine + LEASE)
        session.commit()
        now = service.clock.now(session)
    if is_ours:
        _load(service, upload_id, now=now)
    return 1


def _load(service: Service, upload_id: int, *, now: datetime) -> None:
    report: dict[str, Any] = {}
    rejected, error = None, None
    try:
        report, rejected = service.extra["load_upload"](
            service.sessions, upload_id, progress=lambda done: _note(service, upload_id, done), now=now
        )
    except Refusal as refusal:
        error = str(refusal)
    with service.sessions.writing() as session:
        uploading.finish(session, upload_id, report=report, rejected=rejected, error=error, now=now)
        session.commit()


def _note(service: Service, upload_id: int, done: int) -> None:
    with service.sessions.writing() as session:
        uploading.note_progress(session, upload_id, done=done, lease_until=machine_now(session) + LEASE)
        session.commit()
