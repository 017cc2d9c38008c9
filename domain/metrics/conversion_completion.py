"""Of the key actions people began in the month (booking, claiming a coupon, a form, registering, checking
in, an order), those they finished in time.

Person, object and month make one start, however often the page was opened. In time is an hour for a
check-in, 72 hours for an order, else 24; what finished later is listed as late. Finishing without a
start on record adds a start, marked implied, so that no rate exceeds 100 % (definitions §4.3).
"""

from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, CompoundSelect, and_, case, exists, func, literal, select, union_all
from sqlalchemy.orm import aliased

from domain.metrics._people import counts
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.arithmetic import hours_later
from models.event import Event
from models.member import Member

WAIT_HOURS = {"check_in": 1, "order": 72}
OTHER_WAIT_HOURS = 24
# A finish belongs to a start at most this long before it; without one it implies its own.
LOOK_BACK_HOURS = 30 * 24

# An alias of the event table, which types as the table itself.
An: TypeAlias = type[Event]


def rows(period: Period) -> Rows:
    steps = _steps(period).subquery("steps")
    hit = func.max(steps.c.hit)
    undecided = case((hit == 0, func.max(steps.c.pending)), else_=0)
    late = case((hit == 0, func.max(steps.c.late)), else_=0)
    return (
        select(
            steps.c.member_id,
            steps.c.type.label("part"),
            hit.label("hit"),
            undecided.label("pending"),
            late.label("late"),
            func.min(steps.c.implied).label("implied"),
        )
        .join(Member, Member.id == steps.c.member_id)
        .where(counts())
        .group_by(steps.c.member_id, steps.c.type, steps.c.object)
    )


def _steps(period: Period) -> CompoundSelect[*tuple[Any, ...]]:
    """One row for every start of the month, recorded or implied."""
    return union_all(_recorded(period), _implied(period))


def _recorded(period: Period) -> Rows:
    start, finish = aliased(Event), aliased(Event)
    ends = hours_later(start.occurred_at, _wait_of(start))
    later = and_(_finishes(finish, start), finish.recorded_at <= period.as_of)
    in_time = exists(select(1).where(later, finish.occurred_at <= ends).correlate(start))
    too_late = exists(select(1).where(later, finish.occurred_at > ends).correlate(start))
    return select(
        start.member_id.label("member_id"),
        _type_of(start).label("type"),
        _object_of(start).label("object"),
        flag(in_time).label("hit"),
        flag(ends > period.as_of).label("pending"),
        flag(too_late).label("late"),
        literal(0).label("implied"),
    ).where(_is_start(start), _in_month(start, period))


def _implied(period: Period) -> Rows:
    """Finishes of the month that no recorded start led to."""
    start, finish, between = aliased(Event), aliased(Event), aliased(Event)
    used_up = exists(
        select(1)
        .where(_finishes(between, start), between.occurred_at < finish.occurred_at, between.recorded_at <= period.as_of)
        .correlate(start, finish)
    )
    known = start.recorded_at <= period.as_of
    recent = hours_later(start.occurred_at, LOOK_BACK_HOURS) >= finish.occurred_at
    in_time = hours_later(start.occurred_at, _wait_of(start)) >= finish.occurred_at
    led_here = exists(
        select(1).where(_is_start(start), known, _finishes(finish, start), recent, in_time | ~used_up).correlate(finish)
    )
    return select(
        finish.member_id.label("member_id"),
        _type_of(finish).label("type"),
        _object_of(finish).label("object"),
        literal(1).label("hit"),
        literal(0).label("pending"),
        literal(0).label("late"),
        literal(1).label("implied"),
    ).where(finish.kind == "conversion_completed", _in_month(finish, period), ~led_here)


def _is_start(event: An) -> ColumnElement[bool]:
    # Starts that were written because of a finish say no more than the finish; they are worked out here.
    implied = func.coalesce(event.data["implied"].as_boolean(), False)
    return and_(event.kind == "conversion_started", implied.is_(False))


def _finishes(finish: An, start: An) -> ColumnElement[bool]:
    return and_(
        finish.member_id == start.member_id,
        finish.kind == "conversion_completed",
        _object_of(finish) == _object_of(start),
        _type_of(finish) == _type_of(start),
        finish.occurred_at >= start.occurred_at,
    )


def _in_month(event: An, period: Period) -> ColumnElement[bool]:
    days = event.day.between(period.month.first, period.month.last)
    return and_(days, event.member_id.is_not(None), event.recorded_at <= period.as_of)


def _type_of(event: An) -> ColumnElement[str]:
    return func.coalesce(event.data["type"].as_string(), "other")


def _object_of(event: An) -> ColumnElement[str]:
    return func.coalesce(event.object, "")


def _wait_of(event: An) -> ColumnElement[int]:
    return case(WAIT_HOURS, value=_type_of(event), else_=OTHER_WAIT_HOURS)


METRIC = Metric(
    key="conversion_completion",
    place=3,
    title=mark("Completion of key actions"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s key actions begun were finished in time."),
    rows=rows,
    parts=(),
    rests_on=("conversion_started", "conversion_completed"),
    asides=("late", "implied"),
)
