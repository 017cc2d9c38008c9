"""Whether what the metrics rest on is still being recorded: an event that is normally there and has fallen silent.

Such a zero is more often a broken link or a renamed event than a month in which nobody did anything.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.orm import Session

from domain.calendar import Month, days_between
from domain.events import KINDS
from models.event import Event
from models.purchase import Purchase
from models.rollup import MetricDaily, Rollup

USUAL_DAYS = 28
USUAL_AT_LEAST = 5  # a day, in the median; rarer events have silent days by nature
SILENT_DAYS = 2
# How far back silence that reaches into the month may have begun.
LOOK_BACK = timedelta(days=USUAL_DAYS + 35)
PURCHASE = "purchase"
DAYS = "metric_daily"  # the name of the rollup of days

Days = dict[date, int]


@dataclass(frozen=True)
class Silence:
    """A kind of event that stopped: from when, for how many days, and how many a day there were before."""

    kind: str
    since: date
    until: date
    usual: float

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


def silences(session: Session, month: Month, *, today: date) -> list[Silence]:
    """What fell silent for two days or more in the month, up to yesterday; the longest silence of each kind."""
    last = min(month.last, today - timedelta(days=1))
    first = month.first - LOOK_BACK
    if last < month.first:
        return []
    found = []
    for kind, days in sorted(_daily_counts(session, first, last).items()):
        runs = [run for run in _silent_runs(kind, days, first, last) if run.until >= month.first]
        if runs:
            found.append(max(runs, key=lambda run: run.days))
    return found


def _silent_runs(kind: str, days: Days, first: date, last: date) -> Iterator[Silence]:
    for since, until in _zero_runs(days, first, last):
        length = (until - since).days + 1
        before = list(days_between(since - timedelta(days=USUAL_DAYS), since - timedelta(days=1)))
        usual = median(days.get(day, 0) for day in before)
        longest = max(((b - a).days + 1 for a, b in _zero_runs(days, before[0], before[-1])), default=0)
        # Shops that close for two days a week are not silent.
        if length >= SILENT_DAYS and usual >= USUAL_AT_LEAST and longest < length:
            yield Silence(kind, since, until, usual)


def _zero_runs(days: Days, first: date, last: date) -> Iterator[tuple[date, date]]:
    since: date | None = None
    for day in days_between(first, last):
        if days.get(day, 0) == 0:
            since = since or day
        elif since is not None:
            yield since, day - timedelta(days=1)
            since = None
    if since is not None:
        yield since, last


def daily_counts(
    session: Session, *, kind: str | None = None, days: Collection[date] | None = None
) -> dict[tuple[date, str], int]:
    """How many records of each kind bear each day, counted in the rows; of one kind and some days, or of all."""
    counts: dict[tuple[date, str], int] = {}
    if kind != PURCHASE:
        events = select(Event.day, Event.kind, func.count()).group_by(Event.kind, Event.day)
        events = events.where(Event.kind == kind) if kind else events
        counts |= _by_day(session, events if days is None else events.where(Event.day.in_(days)))
    if kind in {None, PURCHASE}:
        orders = select(Purchase.day, literal(PURCHASE), func.count()).group_by(Purchase.day)
        counts |= _by_day(session, orders if days is None else orders.where(Purchase.day.in_(days)))
    return counts


def are_days_kept(session: Session) -> bool:
    """Whether the brand is so large that its days are counted beforehand (domain/operations/rolling_up.py)."""
    return session.get(Rollup, DAYS) is not None


def records_kept(session: Session, first: date, last: date) -> int | None:
    """How many records bear these days, from the rollup; None where there is none."""
    if not are_days_kept(session):
        return None
    query = select(func.coalesce(func.sum(MetricDaily.count), 0)).where(MetricDaily.day.between(first, last))
    return int(session.scalar(query) or 0)


def records_in_rows(session: Session, first: date, last: date, *, as_of: datetime) -> int:
    """How many records bear these days and were known at `as_of`, counted in the rows."""
    # The kinds are named because the index of days begins with them.
    events = select(func.count()).where(Event.kind.in_(KINDS), *_known(Event, first, last, as_of))
    orders = select(func.count()).where(*_known(Purchase, first, last, as_of))
    return (session.scalar(events) or 0) + (session.scalar(orders) or 0)


def _known(table: type[Event] | type[Purchase], first: date, last: date, as_of: datetime) -> list[ColumnElement[bool]]:
    return [table.day.between(first, last), table.recorded_at <= as_of]


def _by_day(session: Session, query: Select[*tuple[Any, ...]]) -> dict[tuple[date, str], int]:
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


def _daily_counts(session: Session, first: date, last: date) -> dict[str, Days]:
    """A large brand's days are kept (domain/operations/rolling_up.py), a smaller one's counted now."""
    if are_days_kept(session):
        queries = [select(MetricDaily.kind, MetricDaily.day, MetricDaily.count).where(
            MetricDaily.day.between(first, last), MetricDaily.count > 0)]  # fmt: skip
    else:
        queries = [_events(first, last), _orders(first, last)]
    counts: dict[str, Days] = defaultdict(dict)
    for query in queries:
        for kind, day, n in session.execute(query):
            if kind == PURCHASE or kind in KINDS:
                counts[kind][day] = n
    return counts


def _events(first: date, last: date) -> Select[*tuple[Any, ...]]:
    among = (Event.kind.in_(KINDS), Event.day.between(first, last))
    return select(Event.kind, Event.day, func.count()).where(*among).group_by(Event.kind, Event.day)


def _orders(first: date, last: date) -> Select[*tuple[Any, ...]]:
    counted = select(literal(PURCHASE), Purchase.day, func.count())
    return counted.where(Purchase.day.between(first, last)).group_by(Purchase.day)
