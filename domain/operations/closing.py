"""Closes months: stores their figures and the people behind them, once and for ever (definitions §4.0)."""

from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import Calendar, Month, calendar_of
from domain.metrics import all_metrics
from domain.metrics._counting import Taken, take
from domain.metrics._shape import Period
from domain.operations.recording import insert_for
from domain.reports.month_people import key_of
from domain.reports.monthly_review import CLOSES_AFTER_DAY, LATE_DAYS
from models.event import Event
from models.packing import pack
from models.purchase import Purchase
from models.score import MonthClose, MonthPeople


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


def close(session: Session, month: Month, *, now: datetime) -> bool:
    """Stores the month as known now; False when it was closed before, or may not be closed yet."""
    calendar = calendar_of(session)
    if now < closes_at(month, calendar):
        return False
    period = Period(month, calendar, now)
    taken = {key: take(session, metric, period) for key, metric in all_metrics().items()}
    values = {
        "month": str(month),
        "closed_at": now,
        "as_of": now,
        "closed_late": now >= closes_at(month, calendar) + timedelta(days=LATE_DAYS),
        "figures": {key: each.figure.plain() for key, each in taken.items()},
        "definitions": {key: metric.definition for key, metric in all_metrics().items()},
    }
    statement = insert_for(session)(MonthClose).values(values).on_conflict_do_nothing(index_elements=["month"])
    if session.execute(statement.returning(MonthClose.id)).first() is None:
        return False
    for key, each in taken.items():
        _keep_people(session, month, key, each)
    session.flush()
    return True


def _keep_people(session: Session, month: Month, metric: str, taken: Taken) -> None:
    session.add_all(
        MonthPeople(month=str(month), metric=metric, part=key_of(place), side=side, count=len(ids), ids=pack(ids))
        for (place, side), ids in taken.people.items()
    )
