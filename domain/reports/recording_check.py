"""Whether what the metrics rest on is still being recorded: an event that is normally there and has fallen silent.

Such a zero is more often a broken link or a renamed event than a month in which nobody did anything.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from domain.calendar import Month, days_between
from domain.events import KINDS
from models.event import Event
from models.purchase import Purchase

USUAL_DAYS = 28
USUAL_AT_LEAST = 5  # a day, in the median; rarer events have silent days by nature
SILENT_DAYS = 2
# How far back silence that reaches into the month may have begun.
LOOK_BACK = timedelta(days=USUAL_DAYS + 35)
PURCHASE = "purchase"

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


def _daily_counts(session: Session, first: date, last: date) -> dict[str, Days]:
    counts: dict[str, Days] = defaultdict(dict)
    for kind, day, n in session.execute(_events(first, last)):
        counts[kind][day] = n
    for day, n in session.execute(_orders(first, last)):
        counts[PURCHASE][day] = n
    return counts


def _events(first: date, last: date) -> Select[*tuple[Any, ...]]:
    among = (Event.kind.in_(KINDS), Event.day.between(first, last))
    return select(Event.kind, Event.day, func.count()).where(*among).group_by(Event.kind, Event.day)


def _orders(first: date, last: date) -> Select[*tuple[Any, ...]]:
    return select(Purchase.day, func.count()).where(Purchase.day.between(first, last)).group_by(Purchase.day)
