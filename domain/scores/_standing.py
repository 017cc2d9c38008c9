"""What everybody's last 365 days add up to today, for tiers: one query over all, in the unit of thresholds."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, Subquery, case, cast, distinct, func, select, union

from domain.money import whole
from domain.scores.tier import WINDOW
from models.event import Event
from models.purchase import Purchase


def counted(measure: str, day: date, *, currency: str, only: tuple[int, ...] | None = None) -> Subquery:
    """(member_id, counted): S(day) by spend or by visits, of whoever has any."""
    first = day - WINDOW + timedelta(days=1)
    return (_visits(first, day, currency, only) if measure == "visits" else _spend(first, day, only)).subquery()


def reached(column: Any, thresholds: list[tuple[int, int]]) -> Any:
    """The rank that `column` is enough for: `thresholds` are (rank, least), in any order; 0 for none."""
    falling = sorted(thresholds, key=lambda each: -each[0])
    return case(*((column >= least, rank) for rank, least in falling), else_=0)


def _spend(first: date, last: date, only: tuple[int, ...] | None) -> Select[Any]:
    found = select(Purchase.member_id, cast(func.sum(Purchase.net_amount), BigInteger).label("counted")).where(
        Purchase.member_id.is_not(None), Purchase.day.between(first, last), Purchase.net_amount > 0
    )
    if only is not None:
        found = found.where(Purchase.member_id.in_(only))
    return found.group_by(Purchase.member_id)


def _visits(first: date, last: date, currency: str, only: tuple[int, ...] | None) -> Select[Any]:
    came = select(Event.member_id, Event.day).where(Event.kind == "visited", Event.day.between(first, last))
    bought = select(Purchase.member_id, Purchase.day).where(
        Purchase.store_id.is_not(None), Purchase.day.between(first, last), Purchase.net_amount > 0
    )
    if only is not None:
        came, bought = came.where(Event.member_id.in_(only)), bought.where(Purchase.member_id.in_(only))
    days = union(came, bought).subquery()
    counted_days = func.count(distinct(days.c.day)) * whole(1, currency)
    return (
        select(days.c.member_id, cast(counted_days, BigInteger).label("counted"))
        .where(days.c.member_id.is_not(None))
        .group_by(days.c.member_id)
    )
