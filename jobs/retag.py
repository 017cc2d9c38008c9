"""Gives and takes tags by their rules, and closes those that have run out.

Each tag is compared in one look and changed in small pieces; who did not change is not written.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.operations import tagging
from jobs.timetable import daily
from models.session import Sessions

SCHEDULE = daily("03:20")


def run(session_factory: Sessions, *, now: datetime, progress: Callable[[str], None]) -> dict[str, Any]:
    """Returns how many tags were given, renewed, taken and had run out."""
    report = {"given": 0, "renewed": 0, "taken": 0, "run_out": _close_run_out(session_factory, now)}
    with session_factory.reading() as session:
        tag_ids = tagging.rule_tags(session)
    for number, tag_id in enumerate(tag_ids, 1):
        progress(f"tags: {number} of {len(tag_ids)}")
        found = _carry_out(session_factory, tag_id, now)
        report["given"] += len(found.to_give)
        report["renewed"] += len(found.to_renew)
        report["taken"] += len(found.to_take)
    return report


def _carry_out(session_factory: Sessions, tag_id: int, now: datetime) -> tagging.Plan:
    with session_factory.reading() as session:
        found = tagging.plan(session, tag_id, now=now)
    for piece in tagging.pieces(found):
        with session_factory.writing() as session:
            tagging.carry_out(session, piece, now=now)
            session.commit()
    return found


def _close_run_out(session_factory: Sessions, now: datetime) -> int:
    closed = 0
    while True:
        with session_factory.writing() as session:
            some = tagging.close_run_out(session, now=now, limit=5000)
            session.commit()
        closed += some
        if not some:
            return closed
