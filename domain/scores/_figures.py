"""What every purchase score rests on: a person's purchase days, counted up to the end of a day."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Select, case, cast, func, select, true

from models.purchase import Purchase

YEAR_DAYS = 365
Rows: TypeAlias = Select[*tuple[Any, ...]]
# Whom a query is about, said of any column of member ids.
Among: TypeAlias = Callable[[Any], ColumnElement[bool]]


def everyone(_member_id: Any) -> ColumnElement[bool]:
    return true()


def window_start(day: date, days: int = YEAR_DAYS) -> date:
    """The first of the `days` local days that end with `day`."""
    return day - timedelta(days=days - 1)


def purchase_days(day: date, among: Among) -> Rows:
    """(member_id, day, amount): two orders on a day are one purchase occasion; refunded ones are none."""
    amount = cast(func.sum(Purchase.net_amount), BigInteger)  # PostgreSQL's sums are numbers of any length, and slow
    return (
        select(Purchase.member_id, Purchase.day, amount.label("amount"))
        .where(Purchase.member_id.is_not(None), Purchase.net_amount > 0, Purchase.day <= day, among(Purchase.member_id))
        .group_by(Purchase.member_id, Purchase.day)
    )


def purchase_figures(day: date, among: Among) -> Rows:
    """Per buyer: first and last purchase day, how many ever, and days and amount of the last 365 days."""
    days = purchase_days(day, among).subquery("purchase_days")
    recent = days.c.day >= window_start(day)
    return select(
        days.c.member_id,
        func.min(days.c.day).label("first_day"),
        func.max(days.c.day).label("last_day"),
        func.count().label("purchase_days"),
        func.sum(case((recent, 1), else_=0)).label("days_365"),
        func.sum(case((recent, days.c.amount), else_=0)).label("amount_365"),
    ).group_by(days.c.member_id)
