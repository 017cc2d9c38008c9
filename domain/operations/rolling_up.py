"""Makes what pages read instead of millions of rows: sets of people to count by, and the records of each day.

Making reads only and may take long; keeping writes only and is short, so that nobody waits for it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.recording import insert_for
from domain.reports.recording_check import DAYS, PURCHASE, daily_counts
from domain.rules._sets import EVERYONE, REBUILT_AFTER
from domain.rules._tag_sets import all_live_tags, builder, surely_seen
from models.event import Event
from models.member import Member
from models.people_set import Marks, PeopleSet, marks_now, read_set
from models.purchase import Purchase
from models.rollup import MetricDaily, Rollup

# Undoing a mistake takes an event back; it is possible for minutes only.
LAST_DAYS = timedelta(days=2)
PIECE = 1_000
TAG = "tag:"

Pair = tuple[date, str]


def sets_to_make(session: Session, *, now: datetime) -> list[str]:
    """Which stored sets are missing or will soon be too old."""
    known = {row[0]: row[1] for row in session.execute(select(PeopleSet.key, PeopleSet.as_of))}
    wanted = [EVERYONE, *(f"{TAG}{tag_id}" for tag_id in all_live_tags(session))]
    return [key for key in wanted if key not in known or known[key] + REBUILT_AFTER / 2 <= now]


def make_set(session: Session, key: str, *, now: datetime) -> PeopleSet:
    """Everyone, or everyone with a tag, read from the rows."""
    marks = surely_seen(marks_now(session))
    if key == EVERYONE:
        ids = read_set(session, select(Member.id))
    else:
        ids = builder(session, int(key.removeprefix(TAG)), now)()
    return PeopleSet(key=key, as_of=now, marks=marks.plain(), count=len(ids), ids=ids.serialize())


def keep_set(session: Session, made: PeopleSet) -> None:
    session.merge(made)
    session.flush()


def drop_sets(session: Session) -> None:
    """Sets of tags that are no more."""
    live = [EVERYONE, *(f"{TAG}{tag_id}" for tag_id in all_live_tags(session))]
    session.execute(delete(PeopleSet).where(PeopleSet.key.not_in(live)))


@dataclass(frozen=True)
class Days:
    """Records per day and kind that may have changed since the last look, and how far that look goes."""

    counts: dict[Pair, int]
    as_of: datetime
    marks: Marks


def make_days(session: Session, *, now: datetime) -> Days:
    """Counts again each day and kind that got a record since the last look, however long ago it happened."""
    seen = session.get(Rollup, DAYS)
    marks = marks_now(session)
    if seen is None:
        return Days(daily_counts(session), now, marks)
    touched = _touched(session, surely_seen(Marks(**seen.marks)), now=now)
    counts = dict.fromkeys(touched, 0)
    for kind in sorted({kind for _, kind in touched}):
        counts |= daily_counts(session, kind=kind, days=sorted({day for day, of in touched if of == kind}))
    return Days(counts, now, marks)


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
    session.merge(Rollup(name=DAYS, as_of=made.as_of, marks=made.marks.plain()))
    session.flush()
    return len(rows)
