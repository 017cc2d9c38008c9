"""Reports over everyone that take too long to count while somebody waits: counted for the morning."""

from datetime import datetime
from typing import Any

from domain.operations import reporting
from jobs.runner import Progress
from jobs.timetable import daily
from models.session import Sessions

SCHEDULE = daily("04:40")


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    """One after another, each kept as soon as it is counted: a killed night leaves the rest to the next."""
    with sessions.reading() as session:
        due = reporting.due(session, now=now)
    for n, (page, asked) in enumerate(due, start=1):
        with sessions.reading() as session:  # counting takes long, and nobody must wait for it
            row = reporting.count(session, page, asked, now=now)
        with sessions.writing() as session:
            reporting.keep(session, row)
            session.commit()
        progress(f"counted {n} of {len(due)} reports")
    return {"kept": len(due)}
