"""Rollups of a large brand: what the Review and segments read instead of millions of rows.

Records per day, sets of people, and drafts of the months that are not closed. A small brand needs none.
"""

import time
from datetime import datetime
from typing import Any

from domain.operations import closing, rolling_up
from domain.rules import is_large
from jobs.runner import Progress
from jobs.timetable import every
from models.session import Sessions

SCHEDULE = every(minutes=1)


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.reading() as session:
        many_people, many_records = is_large(session), closing.is_large(session)
    report: dict[str, Any] = {}
    if many_records:
        report["days"] = _days(sessions, now)
        report["closed_counted"] = _records_of_closed(sessions)
        report["drafts"] = _drafts(sessions, now, progress)
    if many_people:
        report["sets"] = _sets(sessions, now, progress)
    return report


def _days(sessions: Sessions, now: datetime) -> int:
    with sessions.reading() as session:
        made = rolling_up.make_days(session, now=now)
    with sessions.writing() as session:
        kept = rolling_up.keep_days(session, made)
        session.commit()
    return kept


def _records_of_closed(sessions: Sessions) -> int:
    """Months closed before their records were counted."""
    with sessions.reading() as session:
        counts = closing.records_of_closed(session)
    if counts:
        with sessions.writing() as session:
            closing.keep_records(session, counts)
            session.commit()
    return len(counts)


def _drafts(sessions: Sessions, now: datetime, progress: Progress) -> list[str]:
    with sessions.reading() as session:
        months = closing.drafts_due(session, now=now)
    for month in months:
        progress(f"counting {month}")
        began = time.monotonic()
        with sessions.reading() as session:
            counted = closing.count(session, month, now=now)
        with sessions.writing() as session:
            closing.store_draft(session, counted, seconds=time.monotonic() - began)
            session.commit()
    return [str(month) for month in months]


def _sets(sessions: Sessions, now: datetime, progress: Progress) -> int:
    with sessions.reading() as session:
        keys = rolling_up.sets_to_make(session, now=now)
    for n, key in enumerate(keys, 1):
        with sessions.reading() as session:
            made = rolling_up.make_set(session, key, now=now)
        with sessions.writing() as session:
            rolling_up.keep_set(session, made)
            session.commit()
        progress(f"sets of people: {n} of {len(keys)}")
    if keys:
        with sessions.writing() as session:
            rolling_up.drop_sets(session)
            session.commit()
    return len(keys)
