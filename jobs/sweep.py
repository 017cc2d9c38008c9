"""Sweep: passes on waitlist seats nobody took in time. What is stuck elsewhere frees itself when its lease runs out."""

from datetime import datetime
from typing import Any

from domain.operations import waiting
from jobs.runner import Progress
from jobs.timetable import every
from models.session import Sessions

SCHEDULE = every(minutes=1)


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.writing() as session:
        passed_on = waiting.pass_on(session, now)
        session.commit()
    return {"seats_passed_on": passed_on}
