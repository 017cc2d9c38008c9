"""A job of the torture programs: slow, in pieces, each a transaction that says whose work it was."""

import os
import time
from datetime import datetime
from typing import Any

from sqlalchemy import text

from domain.calendar import calendar_of
from jobs.runner import Progress
from jobs.timetable import daily
from models.session import Sessions

SCHEDULE = daily("00:00")
PIECES, SECONDS = 8, 0.25


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.reading() as session:
        day = calendar_of(session).day_of(now).isoformat()
    for piece in range(1, PIECES + 1):
        with sessions.writing() as session:
            row = {"day": day, "process": os.getpgid(0), "piece": piece, "last": piece == PIECES}
            session.execute(
                text("INSERT INTO torture_piece (day, process, piece, is_last) VALUES (:day, :process, :piece, :last)"),
                row,
            )
            time.sleep(SECONDS)  # most of the time is spent with something uncommitted
            session.commit()
    return {"pieces": PIECES}
