"""Points: what late orders earn, what ran out goes, and the proof that everybody's lots are worth their ledger.

What the proof finds is reported first (Health shows it), and mended the next night if nobody did before.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog

from domain.operations import catching_up_points, pointing
from domain.operations.expiring_points import expire_some
from domain.reports import points as report
from jobs.runner import Progress
from jobs.timetable import daily
from models.clock import machine_now
from models.session import Sessions

log = structlog.get_logger()
SCHEDULE = daily("03:45")
BATCH = 500
NAMED = 1_000  # people a report names


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    added = _catch_up(sessions, now, progress) + _settle_lately(sessions, now)
    expired = 0
    while some := _expire_some(sessions, now):
        expired += some
        progress(f"points: of {expired} people some ran out")
    return {"lines": added, "expired_of": expired, **_prove(sessions, now)}


def _catch_up(sessions: Sessions, now: datetime, progress: Progress) -> int:
    """Everybody's orders, once, when points begin on an earlier day than before; begun again if it was killed."""
    with sessions.reading() as session:
        day = catching_up_points.is_behind(session)
    added = last = 0
    while day is not None:
        with sessions.writing() as session:
            ids = catching_up_points.some_since(session, day, after=last, limit=BATCH)
            added += pointing.settle(session, ids, now=now)
            if not ids:
                catching_up_points.caught_up(session, day)
                day = None
            session.commit()
        last = max(ids, default=last)
        progress(f"points: caught up to member {last}")
    return added


def _settle_lately(sessions: Sessions, now: datetime) -> int:
    with sessions.reading() as session:
        ids = sorted(catching_up_points.lately(session, now=now, machine_now=machine_now(session)))
    added = 0
    for at in range(0, len(ids), BATCH):
        with sessions.writing() as session:
            added += pointing.settle(session, ids[at : at + BATCH], now=now)
            session.commit()
    return added


def _expire_some(sessions: Sessions, now: datetime) -> int:
    with sessions.writing() as session:
        done = expire_some(session, now=now)
        session.commit()
    return done


def _prove(sessions: Sessions, now: datetime) -> dict[str, Any]:
    with sessions.reading() as session:
        known, found = report.reported(session), report.differing(session)
    mended = sorted(set(known) & set(found))
    _mend(sessions, mended, now)
    new = sorted(set(found) - set(mended))
    if found:
        log.error("points did not add up", members=found[:20], people=len(found), mended=len(mended))
    return {"differ": new[:NAMED], "differing": len(found), "mended": len(mended)}


def _mend(sessions: Sessions, ids: Iterable[int], now: datetime) -> None:
    for member_id in ids:
        with sessions.writing() as session:
            pointing.put_in_step(session, [member_id], now=now)
            session.commit()
