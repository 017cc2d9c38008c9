"""Makes what pages read instead of millions of rows: sets of people to count by, and the records of each day.

Making reads only and may take long; keeping writes only and is short, so that nobody waits for it.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.closing import is_large
from domain.operations.recording import insert_for
from domain.reports.recording_check import DAYS, PURCHASE, daily_counts
from domain.rules import REBUILT_AFTER, read_anew, stored_keys, surely_seen
from models.event import Event
from models.people_set import Marks, PeopleSet, marks_now
from models.purchase import Purchase
from models.rollup import MetricDaily, Rollup

# Undoing a mistake takes an event back; it is possible for minutes only.
LAST_DAYS = timedelta(days=2)
PIECE = 1_000
MOVED = "moved:"  # and a day: the name of a note for the next count of days

Pair = tuple[date, str]


def sets_to_make(session: Session, *, now: datetime) -> list[str]:
    """Which stored sets are missing or will soon be too old."""
    known = {row[0]: row[1] for row in session.execute(select(PeopleSet.key, PeopleSet.as_of))}
    return [key for key in stored_keys(session) if key not in known or known[key] + REBUILT_AFTER / 2 <= now]


def make_set(session: Session, key: str, *, now: datetime) -> PeopleSet:
    """Everyone, or everyone with a tag, read from the rows."""
    return read_anew(session, key, now=now)


def keep_set(session: Session, made: PeopleSet) -> None:
    session.merge(made)
    session.flush()


def drop_sets(session: Session) -> None:
    """Sets of tags that are no more."""
    session.execute(delete(PeopleSet).where(PeopleSet.key.not_in(stored_keys(session))))


@dataclass(frozen=True)
class Days:
    """Records per day and kind that may have changed since the last look, and how far that look goes."""

    counts: dict[Pair, int]
    as_of: datetime
    marks: Marks
    notes: tuple[str, ...] = ()  # what was looked at because of these


def note_moved(session: Session, days: Iterable[date], *, now: datetime) -> None:
    """An order was found to be of another day: both days are to be counted again. The order tells only one of them."""
    if is_large(session):  # otherwise nobody counts days
        for day in set(days):
            session.add(Rollup(name=f"{MOVED}{day.isoformat()}:{secrets.token_hex(8)}", as_of=now, marks={}))
        session.flush()


def make_days(session: Session, *, now: datetime) -> Days:
    """Counts again each day and kind that got a record since the last look, however long ago it happened."""
    seen = session.get(Rollup, DAYS)
    marks = marks_now(session)
    notes = tuple(session.scalars(select(Rollup.name).where(Rollup.name.startswith(MOVED))))
    if seen is None:
        return Days(daily_counts(session), now, marks, notes)
    touched = _touched(session, surely_seen(Marks(**seen.marks)), now=now)
    touched |= {(date.fromisoformat(note.split(":")[1]), PURCHASE) for note in notes}
    counts = dict.fromkeys(touched, 0)
    for kind in sorted({kind for _, kind in touched}):
        counts |= daily_counts(session, kind=kind, days=sorted({day for day, of in touched if of == kind}))
    return Days(counts, now, marks, notes)


def _touched(session: Session, since: Marks, *, now: datetime) -> set[Pair]:
    """The days and kinds that may count otherwise than before."""
    events = select(Event.day, Event.kind).where(Event.id > since.event).distinct()
    orders = select(Purchase.day).where(Purchase.id > since.purchase).distinct()
    found = {(row[0], row[1]) for row in session.execute(events)}
    found |= {(day, PURCHASE) for day in session.scalars(orders)}
    lately = MetricDaily.day >= calendar_of(session).day_of(now) - LAST_DAYS
    return found | {
        (row[0], row[1]) for row in session.execute(select(MetricDaily.day, MetricDaily.kind).where(lately))
    }


def keep_days(session: Session, made: Days) -> int:
    """Stores the counts; how many days and kinds there were."""
    rows = [{"day": day, "kind": kind, "count": count} for (day, kind), count in made.counts.items()]
    for at in range(0, len(rows), PIECE):
        statement = insert_for(session)(MetricDaily).values(rows[at : at + PIECE])
        changed = {"count": statement.excluded.count}
        session.execute(statement.on_conflict_do_update(index_elements=["day", "kind"], set_=changed))
    session.execute(delete(Rollup).where(Rollup.name.in_(made.notes)))
    session.merge(Rollup(name=DAYS, as_of=made.as_of, marks=made.marks.plain()))
    session.flush()
    return len(rows)
