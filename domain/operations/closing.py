"""Closes months: stores their figures and the people behind them, once and for ever (definitions §4.0).

A large brand's open months are stored in the same way, as drafts that the next one replaces. Counting reads
only and may take long; storing writes only and is short, so that nobody waits for it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from domain.calendar import Calendar, Month, calendar_of
from domain.metrics import all_metrics
from domain.metrics._counting import Taken, take
from domain.metrics._shape import Period
from domain.operations.recording import insert_for
from domain.reports.month_people import key_of
from domain.reports.monthly_review import CLOSES_AFTER_DAY, LATE_DAYS
from domain.reports.recording_check import records_in_rows
from models import wake
from models.event import Event
from models.packing import pack_layers
from models.purchase import Purchase
from models.rollup import DraftPeople, MonthDraft
from models.score import MonthClose, MonthPeople

LARGE = 200_000  # events and orders; below this a month is counted while the page is asked for
# A draft is not made again before it is this old, nor before this many times what its making took.
DRAFT_AGE = timedelta(hours=1)
REST = 20


@dataclass(frozen=True)
class Counted:
    """A month as it was known at a moment, with everyone behind it; not stored yet."""

    month: Month
    as_of: datetime
    figures: dict[str, Any]
    people: list[dict[str, Any]]
    records: int


def months_to_close(session: Session, *, now: datetime) -> list[Month]:
    """Every month with a past, oldest first, that may be closed by now and is not."""
    calendar = calendar_of(session)
    first = first_month(session)
    if first is None:
        return []
    done = set(session.scalars(select(MonthClose.month)))
    due, month = [], first
    while now >= closes_at(month, calendar):
        if str(month) not in done:
            due.append(month)
        month = month.plus(1)
    return due


def first_month(session: Session) -> Month | None:
    """The month our memory begins with: the first event or order."""
    days = [session.scalar(select(func.min(column))) for column in (Event.day, Purchase.day)]
    known: list[date] = [day for day in days if day is not None]
    return Month.of(min(known)) if known else None


def closes_at(month: Month, calendar: Calendar) -> datetime:
    """The first moment at which every wait of the month has passed."""
    return calendar.start(month.plus(1).first + timedelta(days=CLOSES_AFTER_DAY))


def count(session: Session, month: Month, *, now: datetime) -> Counted:
    """Counts the month as known now; one metric after another, each packed before the next."""
    period = Period(month, calendar_of(session), now)
    figures, people = {}, []
    for key, metric in all_metrics().items():
        taken = take(session, metric, period)
        figures[key] = taken.figure.plain()
        people += _packed(key, taken)
    records = records_in_rows(session, month.first, month.last, as_of=now)
    return Counted(month, now, figures, people, records)


def _packed(metric: str, taken: Taken) -> list[dict[str, Any]]:
    return [
        {"metric": metric, "part": key_of(place), "side": side,
         "count": sum(len(layer) for layer in layers), "ids": pack_layers(layers)}
        for (place, side), layers in taken.people.items()
    ]  # fmt: skip


def close(session: Session, month: Month, *, now: datetime) -> bool:
    """Counts and stores the month in one transaction; False when it was closed before, or may not be closed yet."""
    if now < closes_at(month, calendar_of(session)) or _is_closed(session, month):
        return False
    return store(session, count(session, month, now=now))


def store(session: Session, counted: Counted) -> bool:
    """Closes a month that was counted; False when somebody closed it meanwhile. Its draft goes."""
    month, closes = str(counted.month), closes_at(counted.month, calendar_of(session))
    values = {
        "month": month,
        "closed_at": counted.as_of,
        "as_of": counted.as_of,
        "closed_late": counted.as_of >= closes + timedelta(days=LATE_DAYS),
        "figures": counted.figures,
        "definitions": {key: metric.definition for key, metric in all_metrics().items()},
        "records": counted.records,
    }
    statement = insert_for(session)(MonthClose).values(values).on_conflict_do_nothing(index_elements=["month"])
    if session.execute(statement.returning(MonthClose.id)).first() is None:
        return False
    if counted.people:
        session.execute(insert(MonthPeople), [{"month": month, **each} for each in counted.people])
    _drop_draft(session, counted.month)
    return True


def _is_closed(session: Session, month: Month) -> bool:
    return session.scalar(select(MonthClose.id).where(MonthClose.month == str(month))) is not None


def is_large(session: Session) -> bool:
    """Whether months are too much to count while somebody waits."""
    last = [session.scalar(select(func.max(table.id))) or 0 for table in (Event, Purchase)]
    return sum(last) >= LARGE


def drafts_due(session: Session, *, now: datetime) -> list[Month]:
    """Open months whose draft is missing, asked for again, or old: the last that ended, and the one that runs."""
    running = calendar_of(session).month_of(now)
    return [month for month in (running.plus(-1), running) if _is_draft_due(session, month, now=now)]


def _is_draft_due(session: Session, month: Month, *, now: datetime) -> bool:
    if _is_closed(session, month):
        return False
    draft = session.scalar(select(MonthDraft).where(MonthDraft.month == str(month)))
    if draft is None or draft.wanted_at is not None:
        return True
    return draft.as_of + max(DRAFT_AGE, timedelta(seconds=draft.seconds * REST)) <= now


def store_draft(session: Session, counted: Counted, *, seconds: float) -> bool:
    """Puts the draft in the place of the one before; False when the month was closed meanwhile."""
    if _is_closed(session, counted.month):
        return False
    draft_id = _keep_draft(session, counted, seconds)
    session.execute(delete(DraftPeople).where(DraftPeople.draft_id == draft_id))
    if counted.people:
        session.execute(insert(DraftPeople), [{"draft_id": draft_id, **each} for each in counted.people])
    return True


def _keep_draft(session: Session, counted: Counted, seconds: float) -> int:
    """The draft's row. Who asked for a newer one while this was being counted still waits for it."""
    values = {"as_of": counted.as_of, "figures": counted.figures, "seconds": seconds}
    statement = insert_for(session)(MonthDraft).values(month=str(counted.month), **values)
    wanted = case((MonthDraft.wanted_at > counted.as_of, MonthDraft.wanted_at))
    replaced = statement.on_conflict_do_update(index_elements=["month"], set_={**values, "wanted_at": wanted})
    return int(session.execute(replaced.returning(MonthDraft.id)).scalar_one())


def _drop_draft(session: Session, month: Month) -> None:
    gone = select(MonthDraft.id).where(MonthDraft.month == str(month))
    session.execute(delete(DraftPeople).where(DraftPeople.draft_id.in_(gone)))
    session.execute(delete(MonthDraft).where(MonthDraft.month == str(month)))


def want_draft(session: Session, month: Month, *, now: datetime) -> bool:
    """Somebody wants the month counted again; False when it has no draft: then it is counted as it is asked for."""
    wanted = update(MonthDraft).where(MonthDraft.month == str(month)).values(wanted_at=now)
    has_draft = session.execute(wanted.returning(MonthDraft.id)).first() is not None
    if has_draft:
        wake.defer(session, wake.RUN_JOB, name="rollups", asked=True)
    return has_draft


def records_of_closed(session: Session) -> dict[int, int]:
    """Records of the months that were closed before these were kept, by the row's id."""
    rows = session.scalars(select(MonthClose).where(MonthClose.records.is_(None))).all()
    months = ((row, Month.parse(row.month)) for row in rows)
    return {row.id: records_in_rows(session, month.first, month.last, as_of=row.as_of) for row, month in months}


def keep_records(session: Session, counts: dict[int, int]) -> None:
    session.execute(update(MonthClose), [{"id": each, "records": count} for each, count in counts.items()])
