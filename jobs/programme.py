"""Programme: applies what was planned for a day, once, and raises whoever a lower threshold has reached.

A planned programme that cannot be applied changes nothing and is shown on the health page.
"""

from datetime import datetime
from typing import Any

from domain.operations import programme, raising, tiering
from jobs.runner import Progress
from jobs.timetable import every
from models.session import Sessions

SCHEDULE = every(minutes=5)
BATCH = 500


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.writing() as session:
        applied = programme.apply_due(session, now=now)
        session.commit()
    return {"applied": applied, "raised": _raise(sessions, now, progress)}


def _raise(sessions: Sessions, now: datetime, progress: Progress) -> int:
    """Everyone who reaches a tier by a ladder that has begun; a killed run begins again and does no harm."""
    with sessions.reading() as session:
        begun = raising.unfinished(session, now=now)
        ids = raising.standing_low(session, now=now) if begun else []
    raised = 0
    for at in range(0, len(ids), BATCH):
        with sessions.writing() as session:
            raised += tiering.settle(session, ids[at : at + BATCH], now=now)
            session.commit()
        progress(f"programme: {min(at + BATCH, len(ids))} of {len(ids)} people")
    with sessions.writing() as session:
        raising.finish(session, begun, now=now)
        session.commit()
    return raised
