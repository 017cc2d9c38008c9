"""Which segments fell: a metric of the month beside last month's, cut by the people who are in each segment today."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import Month
from domain.metrics._intervals import GREY
from domain.metrics._shape import Figure, Metric
from domain.reports.judging import Change, change
from domain.reports.month_people import times_of
from domain.rules import compile_rule, context_of
from models.member import Member
from models.programme import Segment


@dataclass(frozen=True)
class Standing:
    """A segment's figure this month and last; `change` is None when too few to tell."""

    key: str
    name: str
    figure: Figure
    before: Figure
    change: Change | None


def standings(session: Session, metric: Metric, month: Month, *, now: datetime) -> list[Standing]:
    """Every segment in use, the deepest fall first; those with under 30 on either side after them, unranked."""
    context = context_of(session, now)
    sides = {each: _sides(session, metric, each, now) for each in (month, month.plus(-1))}
    found = []
    segments = session.scalars(select(Segment).where(Segment.archived_at.is_(None)).order_by(Segment.name))
    for segment in segments.all():
        ids = session.scalars(select(Member.id).where(compile_rule(segment.rule, context))).all()
        figure, before = (_figure(sides[each], ids) for each in (month, month.plus(-1)))
        compared = change(figure, before, exact=metric.exact)
        found.append(Standing(segment.key, segment.name, figure, before, compared))
    return sorted(found, key=_depth)


def _sides(session: Session, metric: Metric, month: Month, now: datetime) -> tuple[Counter[int], Counter[int]]:
    return (
        times_of(session, metric, month, side="who", now=now),
        times_of(session, metric, month, side="of", now=now),
    )


def _figure(sides: tuple[Counter[int], Counter[int]], ids: Iterable[int]) -> Figure:
    who, of = sides
    among = set(ids) & of.keys()
    return Figure(sum(who[each] for each in among), sum(of[each] for each in among))


def _depth(standing: Standing) -> tuple[bool, float]:
    enough = min(standing.figure.of, standing.before.of) >= GREY and standing.change is not None
    return (not enough, standing.change.value if enough and standing.change else 0.0)
