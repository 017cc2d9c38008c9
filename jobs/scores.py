"""Scores everyone as of yesterday's end: RFM, life cycle, repurchase cycle. Only what changed is written."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from domain.calendar import calendar_of
from domain.operations import scoring
from jobs.timetable import daily
from models.session import Sessions

SCHEDULE = daily("03:10")
PIECE = 5_000  # member ids a transaction


def run(sessions: Sessions, *, now: datetime, progress: Callable[[str], None]) -> dict[str, Any]:
    with sessions.reading() as session:
        day = calendar_of(session).day_of(now) - timedelta(days=1)
        pieces = list(scoring.ranges(session, size=PIECE))
        everyones = scoring.everyones_gap(session, day=day)
    changed = cycles = 0
    for n, ids in enumerate(pieces, start=1):
        with sessions.writing() as session:
            changed += scoring.score(session, day=day, ids=ids)
            cycles += scoring.score_cycles(session, day=day, ids=ids, everyones=everyones)
            session.commit()
        progress(f"scored {n} of {len(pieces)} pieces")
    return {"day": day.isoformat(), "changed": changed, "cycles_changed": cycles}
