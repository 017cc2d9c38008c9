"""The month's journey figures beside last month's, and what may be said of them.

A closed month answers from what was stored when it closed, for ever; a month that is not closed is
computed from what is known now, or, of a large brand, from what was known when it was last counted
(definitions §4.0).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.errors import NotFound
from domain.metrics import all_metrics
from domain.metrics._counting import measure
from domain.metrics._shape import Figure, Metric, Period
from domain.reports.judging import Change, change
from domain.reports.recording_check import Silence, are_days_kept, records_kept, silences
from domain.wording import mark
from models.event import Event
from models.purchase import Purchase
from models.rollup import MonthDraft
from models.score import MonthClose

CLOSES_AFTER_DAY = 8  # of the next month: by then every wait of up to 7 days has passed
LATE_DAYS = 7
YEAR_OF_MONTHS = 12


@dataclass(frozen=True)
class Entry:
    """One metric in one month."""

    metric: Metric
    definition: str
    figure: Figure
    before: Figure | None
    change: Change | None
    doubts: tuple[Silence, ...]


@dataclass(frozen=True)
class Review:
    """A month's page. `arrived_late` counts what was recorded after the month had closed.

    A draft is as of a while ago, and `is_wanted` when somebody asked for a newer one.
    """

    month: Month
    as_of: datetime
    is_closed: bool
    closed_late: bool
    has_ended: bool
    arrived_late: int
    silences: tuple[Silence, ...]
    entries: tuple[Entry, ...]
    is_draft: bool = False
    is_wanted: bool = False


def review(session: Session, month: Month, *, now: datetime) -> Review:
    """Raises NotFound for a month that has not begun."""
    calendar = calendar_of(session)
    if now < calendar.start(month.first):
        raise NotFound(
            mark("There is no review of %(month)s because it has not begun. Choose an earlier month."), month=str(month)
        )
    closed, draft = _closed(session, month), _draft(session, month)
    figures, before = figures_of(session, month, now=now), _before(session, month, now=now)
    doubts = silences(session, month, today=calendar.day_of(now))
    stored = closed or draft
    return Review(
        month=month,
        as_of=stored.as_of if stored else now,
        is_closed=closed is not None,
        closed_late=closed is not None and closed.closed_late,
        has_ended=now >= calendar.end(month.last),
        arrived_late=_arrived_late(session, month, closed) if closed else 0,
        silences=tuple(doubts),
        entries=tuple(_entry(metric, figures, before, closed, doubts) for metric in _known(figures)),
        is_draft=closed is None and draft is not None,
        is_wanted=closed is None and draft is not None and draft.wanted_at is not None,
    )


def figures_of(session: Session, month: Month, *, now: datetime, only: str | None = None) -> dict[str, Figure]:
    """Every metric's figure (or `only` one's): as stored when it closed or was last counted, else as known now."""
    stored = _closed(session, month) or _draft(session, month)
    if stored is not None:
        return {key: Figure.from_plain(each) for key, each in stored.figures.items()}
    period = Period(month, calendar_of(session), now)
    asked = all_metrics().items() if only is None else [(only, all_metrics()[only])]
    return {key: measure(session, metric, period) for key, metric in asked}


def _before(session: Session, month: Month, *, now: datetime) -> dict[str, Figure]:
    """The month before, to compare with. A large brand's is not counted for that while somebody waits."""
    earlier = month.plus(-1)
    if are_days_kept(session) and not (_closed(session, earlier) or _draft(session, earlier)):
        return {}
    return figures_of(session, earlier, now=now)


def history(session: Session, month: Month, *, months: int = YEAR_OF_MONTHS) -> dict[Month, dict[str, Figure]]:
    """The closed ones among the months that end with `month`, oldest first."""
    wanted = [str(month.plus(-back)) for back in range(months)]
    rows = session.scalars(select(MonthClose).where(MonthClose.month.in_(wanted)).order_by(MonthClose.month))
    return {
        Month.parse(row.month): {key: Figure.from_plain(stored) for key, stored in row.figures.items()} for row in rows
    }


def latest_month(session: Session, *, now: datetime) -> Month:
    """The month to open the review with: the last closed one, else the last that ended."""
    last = session.scalar(select(func.max(MonthClose.month)))
    return Month.parse(last) if last else calendar_of(session).month_of(now).plus(-1)


def _closed(session: Session, month: Month) -> MonthClose | None:
    return session.scalar(select(MonthClose).where(MonthClose.month == str(month)))


def _draft(session: Session, month: Month) -> MonthDraft | None:
    return session.scalar(select(MonthDraft).where(MonthDraft.month == str(month)))


def _known(figures: dict[str, Figure]) -> Iterable[Metric]:
    """A closed month knows the metrics there were then."""
    return (metric for key, metric in all_metrics().items() if key in figures)


def _entry(
    metric: Metric,
    figures: dict[str, Figure],
    before: dict[str, Figure],
    closed: MonthClose | None,
    doubts: Iterable[Silence],
) -> Entry:
    stored = closed.definitions if closed else {}
    figure, earlier = figures[metric.key], before.get(metric.key)
    return Entry(
        metric=metric,
        definition=stored.get(metric.key, metric.definition),
        figure=figure,
        before=earlier,
        change=change(figure, earlier, exact=metric.exact),
        doubts=tuple(each for each in doubts if each.kind in metric.rests_on),
    )


def _arrived_late(session: Session, month: Month, closed: MonthClose) -> int:
    """Records that bear a day of the month and were not known when it closed."""
    kept = records_kept(session, month.first, month.last)
    if kept is not None and closed.records is not None:
        return max(0, kept - closed.records)
    days = (month.first, month.last)
    events = select(func.count()).where(Event.recorded_at > closed.as_of, Event.day.between(*days))
    orders = select(func.count()).where(Purchase.recorded_at > closed.as_of, Purchase.day.between(*days))
    return (session.scalar(events) or 0) + (session.scalar(orders) or 0)
