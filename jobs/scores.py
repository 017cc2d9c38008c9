"""Scores as of yesterday's end those whom something changed for: RFM, life cycle, repurchase cycle.

Once a week everyone is computed anew and compared; no row may differ.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog

from domain.calendar import calendar_of
from domain.operations import scoring
from jobs.timetable import daily
from models.session import Sessions

log = structlog.get_logger()
SCHEDULE = daily("03:10")
Progress = Callable[[str], None]


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    """Returns how many were due and changed, and of a comparison how many rows differed."""
    with sessions.writing() as session:
        day = calendar_of(session).day_of(now) - timedelta(days=1)
        everyone = scoring.make_due(session, day=day, now=now, machine_now=datetime.now(UTC))
        due = scoring.count_due(session)
        session.commit()
    report: dict[str, Any] = {"day": day.isoformat(), "everyone": everyone, "due": due}
    report["changed"] = len(_score_due(sessions, day, progress))
    report["cycles_moved"] = _move_cycles(sessions, progress)
    with sessions.writing() as session:
        compare = scoring.compare_is_due(session, day=day)
    return {**report, **_compare(sessions, day, progress)} if compare else report


def _score_due(sessions: Sessions, day: date, progress: Progress) -> list[int]:
    changed: list[int] = []
    done = 0
    while True:
        with sessions.writing() as session:
            some = scoring.score_due(session, day=day)
            session.commit()
        if some is None:
            return changed
        changed += some
        done += 1
        progress(f"scored {done} pieces of up to {scoring.PIECE} people")


def _move_cycles(sessions: Sessions, progress: Progress) -> int:
    """Everyone's cycle rests a little on everyone's median gap: when that moves, so do they."""
    with sessions.writing() as session:
        everyones = scoring.everyones_gap(session)
        if everyones == scoring.the_run(session).everyones_gap:
            return 0
        pieces = scoring.ranges(session)
    moved = 0
    for n, ids in enumerate(pieces, start=1):
        with sessions.writing() as session:
            moved += scoring.move_cycles(session, everyones=everyones, ids=ids)
            session.commit()
        progress(f"moved the cycles of {n} of {len(pieces)} pieces")
    with sessions.writing() as session:
        scoring.cycles_moved(session, everyones=everyones)
        session.commit()
    return moved


def _compare(sessions: Sessions, day: date, progress: Progress) -> dict[str, Any]:
    """Computes everyone anew. What differs is put right, and is an error of ours that somebody should know of."""
    with sessions.writing() as session:
        scoring.make_everyone_due(session)
        session.commit()
    differing = _score_due(sessions, day, progress)
    if differing:
        log.error("scores differed from computing everyone anew", rows=len(differing), members=differing[:20])
    with sessions.writing() as session:
        scoring.compared(session, day=day)
        session.commit()
    return {"compared": True, "differences": len(differing)}
