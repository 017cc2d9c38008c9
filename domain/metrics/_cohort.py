"""Members who did something in a base month, and whether they did it again on a later day within 90 days."""

from datetime import timedelta
from typing import Any

from sqlalchemy import CTE, and_, func, literal, or_, select

from domain.events import OWN_ACTIONS
from domain.metrics._people import is_member
from domain.metrics._shape import Period, Rows, flag
from models.arithmetic import days_later, local_day
from models.event import Event
from models.member import Member
from models.purchase import Purchase
from models.store import Booking

RETURN_DAYS = 90


def came_back(points: CTE, period: Period, part: str) -> Rows:
    """Rows of a metric from (member_id, day) pairs: the first day in the base month is the index."""
    index = (
        select(points.c.member_id, func.min(points.c.day).label("day"))
        .join(Member, Member.id == points.c.member_id)
        .where(is_member(period.as_of), points.c.day.between(period.base.first, period.base.last))
        .group_by(points.c.member_id)
        .cte(f"{points.name}_index")
    )
    again = and_(points.c.day > index.c.day, points.c.day <= days_later(index.c.day, RETURN_DAYS))
    waiting = index.c.day >= period.today - timedelta(days=RETURN_DAYS)
    return (
        select(
            index.c.member_id,
            literal(part).label("part"),
            func.max(flag(again)).label("hit"),
            func.max(flag(waiting)).label("pending"),
        )
        .join(points, points.c.member_id == index.c.member_id)
        .group_by(index.c.member_id)
    )


def own_action_days(period: Period) -> Rows:
    return _event_days(period, OWN_ACTIONS)


def purchase_days(period: Period) -> Rows:
    """Days with a qualified order. What was refunded in full was never one."""
    first, last = _range(period)
    return select(Purchase.member_id.label("member_id"), Purchase.day.label("day")).where(
        Purchase.day.between(first, last),
        Purchase.member_id.is_not(None),
        Purchase.net_amount > 0,
        Purchase.recorded_at <= period.as_of,
    )


def visit_days(period: Period) -> list[Rows]:
    """Days in a store: a check-in or other visit, an order paid in a store, a booking kept."""
    visits = _event_days(period, ("visited",))
    orders = purchase_days(period).where(Purchase.store_id.is_not(None))
    return [visits, orders, _kept_booking_days(period)]


def _event_days(period: Period, kinds: tuple[str, ...]) -> Rows:
    first, last = _range(period)
    return select(Event.member_id.label("member_id"), Event.day.label("day")).where(
        Event.kind.in_(kinds),
        Event.day.between(first, last),
        Event.member_id.is_not(None),
        Event.recorded_at <= period.as_of,
    )


def _kept_booking_days(period: Period) -> Rows:
    first, last = _range(period)
    passed = and_(Booking.state == "confirmed", Booking.ends_at <= period.as_of)
    return select(
        Booking.member_id.label("member_id"), local_day(Booking.starts_at, period.calendar.zone.key).label("day")
    ).where(
        Booking.starts_at >= period.calendar.start(first),
        Booking.starts_at < period.calendar.end(last),
        or_(Booking.state == "arrived", passed),
    )


def _range(period: Period) -> tuple[Any, Any]:
    return period.base.first, period.base.last + timedelta(days=RETURN_DAYS)
