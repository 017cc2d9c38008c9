"""Gives and takes tags by their rules, and closes those that have run out.

Each tag asks those whose answer may have changed since it was last brought up, and once a week everyone; what it
finds is changed in small pieces, and who did not change is not written.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from domain.operations import retagging, tagging
from domain.operations.retagging import Plan
from jobs.timetable import daily
from models.clock import machine_now
from models.session import Sessions

log = structlog.get_logger()
SCHEDULE = daily("03:20")


def run(sessions: Sessions, *, now: datetime, progress: Callable[[str], None]) -> dict[str, Any]:
    """Returns how many tags were given, renewed, taken and had run out; and how many the weekly look found amiss."""
    report = {"given": 0, "renewed": 0, "taken": 0, "run_out": _close_run_out(sessions, now), "differences": 0}
    with sessions.reading() as session:
        tag_ids = retagging.rule_tags(session)
    for number, tag_id in enumerate(tag_ids, 1):
        progress(f"tags: {number} of {len(tag_ids)}")
        for found in _bring_up(sessions, tag_id, report, now=now):
            report["given"] += len(found.to_give)
            report["renewed"] += len(found.to_renew)
            report["taken"] += len(found.to_take)
    return report


def _bring_up(sessions: Sessions, tag_id: int, report: dict[str, int], *, now: datetime) -> list[Plan]:
    """Those who moved; and everyone, where that cannot be told or a week has passed."""
    with sessions.reading() as session:
        looked_at = machine_now(session)
        moved = retagging.plan_moved(session, tag_id, now=now)
        asks_everyone = moved is None or retagging.is_compare_due(session, tag_id, now=now)
    done = [] if moved is None else [_carry_out(sessions, moved, now)]
    if asks_everyone:
        done.append(_ask_everyone(sessions, tag_id, now))
    if moved is not None and asks_everyone:
        report["differences"] += _tell_differences(done[-1])
    with sessions.writing() as session:
        retagging.brought_up(session, tag_id, compared=asks_everyone, now=now, machine_now=looked_at)
        session.commit()
    return done


def _ask_everyone(sessions: Sessions, tag_id: int, now: datetime) -> Plan:
    with sessions.reading() as session:
        found = retagging.plan(session, tag_id, now=now)
    return _carry_out(sessions, found, now)


def _tell_differences(found: Plan) -> int:
    """Whom the movers left out; or for whom something came in between."""
    missed = [*found.to_give, *found.to_take]
    if missed:
        log.error("tags differed from asking everyone", tag=found.tag_id, rows=len(missed), members=missed[:20])
    return len(missed)


def _carry_out(sessions: Sessions, found: Plan, now: datetime) -> Plan:
    for piece in retagging.pieces(found):
        with sessions.writing() as session:
            retagging.carry_out(session, piece, now=now)
            session.commit()
    return found


def _close_run_out(sessions: Sessions, now: datetime) -> int:
    closed = 0
    while True:
        with sessions.writing() as session:
            some = tagging.close_run_out(session, now=now, limit=5000)
            session.commit()
        closed += some
        if not some:
            return closed
