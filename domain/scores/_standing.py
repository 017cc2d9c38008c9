"""What everybody's last 365 days add up to today, for tiers: one query over all, in the unit of thresholds."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, Subquery, case, cast, func, literal, select, union

from domain.money import whole
from domain.scores.tier import WINDOW
from models.event import Event
from models.purchase import Purchase


def counted(measure: str, day: date, *, currency: str, only: tuple[int, ...] | None = None) -> Subquery:
    """(member_id, counted): S(day) by spend or by visits, of whoever has any."""
    each = counting(measure, day - WINDOW + timedelta(days=1), day, currency=currency, only=only)
    total = cast(func.sum(each.c.amount), BigInteger)  # PostgreSQL's sums are numbers of any length, and slow
    return select(each.c.member_id, total.label("counted")).group_by(each.c.member_id).subquery()


def counting(measure: str, first: date, last: date, *, currency: str, only: tuple[int, ...] | None = None) -> Subquery:
    """(member_id, day, amount): each order of these days, or each day in a store, which weighs one whole unit."""
    return (_visits(first, last, currency, only) if measure == "visits" else _orders(first, last, only)).subquery()


def reached(column: Any, thresholds: list[tuple[int, int]]) -> Any:
    """The rank that `column` is enough for: `thresholds` are (rank, least), in any order; 0 for none."""
    falling = sorted(thresholds, key=lambda each: -each[0])
    return literal(0) if not falling else case(*((column >= least, rank) for rank, least in falling), else_=0)


def _orders(first: date, last: date, only: tuple[int, ...] | None) -> Select[*tuple[Any, ...]]:
    found = select(Purchase.member_id, Purchase.day, Purchase.net_amount.label("amount")).where(
        Purchase.member_id.is_not(None), Purchase.day.between(first, last), Purchase.net_amount > 0
    )
    return found if only is None else found.where(Purchase.member_id.in_(only))


def _visits(first: date, last: date, currency: str, only: tuple[int, ...] | None) -> Select[*tuple[Any, ...]]:
    came = select(Event.member_id, Event.day).where(Event.kind == "visited", Event.day.between(first, last))
    bought = select(Purchase.member_id, Purchase.day).where(
        Purchase.store_id.is_not(None), Purchase.day.between(first, last), Purchase.net_amount > 0
    )
    if only is not None:
        came, bought = came.where(Event.member_id.in_(only)), bought.where(Purchase.member_id.in_(only))
    days = union(came, bought).subquery()
    weight = literal(whole(1, currency)).label("amount")
    return select(days.c.member_id, days.c.day, weight).where(days.c.member_id.is_not(None))
