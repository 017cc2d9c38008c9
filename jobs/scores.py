"""Scores as of yesterday's end those whom something changed for: RFM, life cycle, repurchase cycle.

Then what the models expect of every buyer. Once a week everyone is computed anew and compared; no row may differ.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import chain, count
from typing import Any

import structlog

from domain.calendar import calendar_of
from domain.operations import ranking, scoring
from jobs.timetable import daily
from models.clock import machine_now
from models.session import Sessions

log = structlog.get_logger()
SCHEDULE = daily("03:10")
HANDS = 2
Progress = Callable[[str], None]


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    """Returns how many were due and changed, and of a comparison how many rows differed."""
    with sessions.reading() as session:
        day = calendar_of(session).day_of(now) - timedelta(days=1)
    report = _bring_up(sessions, day, now=now, progress=progress)
    with sessions.writing() as session:
        is_due = scoring.compare_is_due(session, day=day)
    if is_due:
        # A late order that came meanwhile is no error of ours.
        _bring_up(sessions, day, now=now, progress=progress)
        report |= compare(sessions, day, progress)
    return report | _forecast(sessions, day, now=now, progress=progress)


def _bring_up(sessions: Sessions, day: date, *, now: datetime, progress: Progress) -> dict[str, Any]:
    """Scores those whom something changed for since the last time."""
    with sessions.writing() as session:
        everyone = scoring.make_due(session, day=day, now=now, machine_now=machine_now(session))
        due = scoring.count_due(session)
        session.commit()
    changed = len(_score_due(sessions, day, progress))
    moved = _move_cycles(sessions, progress)
    ranked = _move_quintiles(sessions, day, now=now, progress=progress)
    return {
        "day": day.isoformat(), "everyone": everyone, "due": due, "changed": changed,
        "cycles_moved": moved, "quintiles_moved": ranked,
    }  # fmt: skip


def _score_due(sessions: Sessions, day: date, progress: Progress) -> list[int]:
    """PostgreSQL has a core for each hand; SQLite has one writer."""
    hands = HANDS if sessions.engine.dialect.name == "postgresql" else 1
    changed: list[int] = []
    with ThreadPoolExecutor(hands) as pool:
        for done in count(1):
            pieces = [each.result() for each in [pool.submit(_score_piece, sessions, day) for _ in range(hands)]]
            changed += chain.from_iterable(piece for piece in pieces if piece)
            if None in pieces:
                break
            progress(f"scored {done * hands} pieces of up to {scoring.PIECE} people")
    return changed


def _score_piece(sessions: Sessions, day: date) -> list[int] | None:
    with sessions.writing() as session:
        changed = scoring.score_due(session, day=day)
        session.commit()
    return changed


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


def _move_quintiles(sessions: Sessions, day: date, *, now: datetime, progress: Progress) -> int:
    """Where somebody stands among the buyers moves when the others do."""
    with sessions.reading() as session:
        cut = ranking.cuts(session, day=day)
        pieces = scoring.ranges(session)
    moved = 0
    for n, ids in enumerate(pieces, start=1):
        with sessions.writing() as session:
            moved += ranking.move_quintiles(session, day=day, cut=cut, ids=ids)
            session.commit()
        progress(f"ranked {n} of {len(pieces)} pieces")
    with sessions.writing() as session:
        ranking.keep_cuts(session, day=day, cut=cut, now=now)
        session.commit()
    return moved


def _forecast(sessions: Sessions, day: date, *, now: datetime, progress: Progress) -> dict[str, Any]:
    """What rests on models. Imported here: only who runs the night needs numpy and scipy."""
    from jobs.parts import forecasts

    return forecasts.bring_up(sessions, day, now=now, progress=progress)


def compare(sessions: Sessions, day: date, progress: Progress) -> dict[str, Any]:
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
