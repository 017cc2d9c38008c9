"""Closes the months whose waits have passed, oldest first: their figures and people are stored and never change."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.operations import closing
from jobs.timetable import daily
from models.session import Sessions

SCHEDULE = daily("04:20")


def run(sessions: Sessions, *, now: datetime, progress: Callable[[str], None]) -> dict[str, Any]:
    with sessions.reading() as session:
        months = closing.months_to_close(session, now=now)
    closed = []
    for month in months:
        with sessions.reading() as session:  # counting takes long, and nobody must wait for it
            counted = closing.count(session, month, now=now)
        with sessions.writing() as session:
            if closing.store(session, counted):
                closed.append(str(month))
            session.commit()
        progress(f"closed {month}")
    return {"closed": closed}
