"""Which segments fell: a metric of the month beside last month's, cut by the people who are in each segment today."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import Month
from domain.metrics._intervals import GREY
from domain.metrics._shape import Figure, Metric
from domain.reports.judging import Change, change
from domain.reports.month_people import layers_behind
from domain.rules import RuleContext, compile_rule, context_of, is_large, people_of
from models.member import Member
from models.packing import People
from models.people_set import read_set
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
        ids = _people_of(session, segment, context)
        figure, before = (_figure(sides[each], ids) for each in (month, month.plus(-1)))
        compared = change(figure, before, exact=metric.exact)
        found.append(Standing(segment.key, segment.name, figure, before, compared))
    return sorted(found, key=_depth)


def _people_of(session: Session, segment: Segment, context: RuleContext) -> People:
    if is_large(session):
        return people_of(session, segment.rule, context)[0]
    return read_set(session, select(Member.id).where(compile_rule(segment.rule, context)))


def _sides(session: Session, metric: Metric, month: Month, now: datetime) -> tuple[list[People], list[People]]:
    return (
        layers_behind(session, metric, month, side="who", now=now),
        layers_behind(session, metric, month, side="of", now=now),
    )


def _figure(sides: tuple[list[People], list[People]], ids: People) -> Figure:
    """Each layer counts a person once, so that they count as often as in the figure."""
    who, of = (sum(layer.intersection_cardinality(ids) for layer in layers) for layers in sides)
    return Figure(who, of)


def _depth(standing: Standing) -> tuple[bool, float]:
    enough = min(standing.figure.of, standing.before.of) >= GREY and standing.change is not None
    return (not enough, standing.change.value if enough and standing.change else 0.0)
