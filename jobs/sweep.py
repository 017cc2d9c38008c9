"""Sweep: passes on waitlist seats nobody took in time, and gathers what was on its way to a record just joined.

What is stuck elsewhere frees itself when its lease runs out.
"""

from datetime import datetime, timedelta
from typing import Any

from domain.operations import merging, waiting
from jobs.runner import Progress
from jobs.timetable import every
from models.session import Sessions

SCHEDULE = every(minutes=1)
ON_ITS_WAY = timedelta(hours=1)  # what comes later to a joined record, the night gathers


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.writing() as session:
        passed_on = waiting.pass_on(session, now)
        session.commit()
    with sessions.writing() as session:
        gathered = merging.gather(session, since=now - ON_ITS_WAY, now=now)
        session.commit()
    return {"seats_passed_on": passed_on, "gathered": gathered}
