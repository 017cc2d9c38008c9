"""Notes where everyone stood at each month's end: RFM group, life cycle, tier, tagged. Missed months are made up."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.operations import snapshotting
from jobs.timetable import daily
from models.session import Sessions

SCHEDULE = daily("04:10")


def run(sessions: Sessions, *, now: datetime, progress: Callable[[str], None]) -> dict[str, Any]:
    with sessions.reading() as session:
        months = snapshotting.months_to_take(session, now=now)
    for month in months:
        with sessions.reading() as session:  # counting takes long, and nobody must wait for it
            counted = snapshotting.count(session, month, now=now)
        with sessions.writing() as session:
            snapshotting.store(session, counted)
            session.commit()
        progress(f"took the end of {month}")
    return {"taken": [str(month) for month in months]}
