"""Draws: draws those that have closed, and gives the prizes that were won."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from domain.operations import drawing
from jobs.runner import Progress
from jobs.timetable import every
from models.mission import Draw
from models.session import Sessions

SCHEDULE = every(minutes=5)


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.reading() as session:
        closed = select(Draw.id).where(Draw.closes_at <= now, Draw.drawn_at.is_(None), Draw.archived_at.is_(None))
        due = list(session.scalars(closed))
    drawn = sum(_draw(sessions, draw_id, now) for draw_id in due)
    with sessions.reading() as session:
        owing = list(session.scalars(drawing.owing()))
    given = 0
    for draw_id in owing:
        while dealt := _give(sessions, draw_id, now):
            given += dealt
            progress(f"draws: {given} prizes")
    return {"drawn": len(due), "winners": drawn, "given": given}


def _draw(sessions: Sessions, draw_id: int, now: datetime) -> int:
    with sessions.writing() as session:
        won = drawing.draw_now(session, session.get_one(Draw, draw_id), now=now)
        session.commit()
        return won


def _give(sessions: Sessions, draw_id: int, now: datetime) -> int:
    """In pieces, each its own transaction, so that a kill loses at most one."""
    with sessions.writing() as session:
        dealt = drawing.give_prizes(session, session.get_one(Draw, draw_id), now=now)
        session.commit()
        return dealt
