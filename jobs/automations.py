"""Automations: enters whoever crossed a trigger, and does what has fallen due."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from domain.operations import automating
from jobs.runner import Progress
from jobs.timetable import every
from models.automation import Automation
from models.session import Sessions

SCHEDULE = every(minutes=5)


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.reading() as session:
        on = Automation.enabled_at.is_not(None), Automation.archived_at.is_(None)
        enabled = list(session.scalars(select(Automation.id).where(*on)))
    entered, broken = 0, list[Exception]()
    for automation_id in enabled:
        try:
            entered += _enrol(sessions, automation_id, now)
        except Exception as error:  # one that cannot be read stops no other, but the run is not a good one
            broken.append(error)
    done = _act(sessions, now, progress)
    if broken:
        raise broken[0]
    return {"entered": entered, "done": done}


def _enrol(sessions: Sessions, automation_id: int, now: datetime) -> int:
    """Locked, so that two runs at once do not both see the same person as new."""
    with sessions.writing() as session:
        automation = session.get_one(Automation, automation_id, with_for_update=True)
        if automation.enabled_at is None:  # switched off a moment ago
            return 0
        entered = automating.enrol(session, automation, now=now)
        session.commit()
    return entered


def _act(sessions: Sessions, now: datetime, progress: Progress) -> int:
    """In pieces, each its own transaction, so that a kill loses at most one."""
    done = 0
    while True:
        with sessions.writing() as session:
            dealt = automating.act(session, now=now)
            session.commit()
        if not dealt:
            return done
        done += dealt
        progress(f"automations: {done} people")
