"""Missions: brings everyone in step who did lately what a mission counts, and rewards what they have reached."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from domain.operations import missions
from jobs.runner import Progress
from jobs.timetable import every
from models.mission import Mission
from models.session import Sessions

SCHEDULE = every(minutes=1)
PIECE = 500


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.reading() as session:
        enabled = list(session.scalars(select(Mission).where(Mission.enabled_at.is_not(None)).order_by(Mission.id)))
        lately = {mission.id: missions.lately(session, mission) for mission in enabled}
    given = 0
    people = sorted({each for ids in lately.values() for each in ids})
    for at in range(0, len(people), PIECE):
        with sessions.writing() as session:
            given += missions.settle(session, people[at : at + PIECE], now=now)
            session.commit()
        progress(f"missions: {min(at + PIECE, len(people))} of {len(people)} people")
    if lately:
        with sessions.writing() as session:
            missions.looked(session, list(lately), now=now)
            session.commit()
    return {"looked_at": len(people), "given": given}
