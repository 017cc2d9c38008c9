"""Doubles: looks for records that may be one person, for staff to decide; gathers what came late to a joined one."""

from datetime import datetime
from typing import Any

from domain.operations import merging, proposing
from jobs.runner import Progress
from jobs.timetable import daily
from models.session import Sessions

SCHEDULE = daily("04:00")


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.writing() as session:
        gathered = merging.gather(session, now=now)
        session.commit()
    with sessions.writing() as session:
        asked = proposing.find(session, now=now)
        session.commit()
    progress(f"doubles: {asked} new pairs")
    return {"gathered": gathered, "asked": asked}
