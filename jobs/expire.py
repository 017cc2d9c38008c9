"""Expiries: closes tags whose life is over, and forgets what we do not keep."""

from datetime import UTC, datetime
from typing import Any

from domain.operations import forgetting, leaving, tagging, uploading
from jobs.runner import Progress
from jobs.timetable import daily
from models.session import Sessions

SCHEDULE = daily("03:50")
PIECE = 5_000  # tags a transaction


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    tags = 0
    while closed := _close_some_tags(sessions, now):
        tags += closed
        progress(f"expire: {tags} tags")
    with sessions.writing() as session:
        codes = forgetting.forget_codes(session, now=now)
        files = uploading.forget_old(session, now=now)
        erased = leaving.finish(session)
        session.commit()
    bodies = 0
    while gone := _forget_some(sessions):
        bodies += gone
        progress(f"expire: {bodies} raw bodies")
    return {"tags": tags, "codes": codes, "files": files, "erased_messages": erased, "raw_bodies": bodies}


def _close_some_tags(sessions: Sessions, now: datetime) -> int:
    with sessions.writing() as session:
        closed = tagging.close_run_out(session, now=now, limit=PIECE)
        session.commit()
        return closed


def _forget_some(sessions: Sessions) -> int:
    with sessions.writing() as session:
        gone = forgetting.forget_raw_bodies(session, machine_now=datetime.now(UTC))
        session.commit()
        return gone
