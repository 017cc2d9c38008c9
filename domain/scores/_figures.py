"""What every purchase score rests on: a person's purchase days, counted up to the end of a day."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Select, case, cast, func, select, true

from models.purchase import Purchase

YEAR_DAYS = 365
FUNNEL_DAYS = 30
TREND_DAYS = 180  # against as many before
MODEL_DAYS = 3 * 365  # what the models know of a buyer (definitions §9)
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
    """Per buyer: first and last purchase day, how many ever, days and amounts of the windows scores look at."""
    bought = purchase_days(day, among).subquery("purchase_days")
    modelled = bought.c.day >= window_start(day, MODEL_DAYS)
    model_from = func.min(case((modelled, bought.c.day))).over(partition_by=bought.c.member_id)
    days = select(bought, model_from.label("model_from")).subquery("days")

    def within(newest: int, oldest: int, of: Any = 1) -> ColumnElement[int]:
        """A sum over the days that are among the last `oldest` and not among the last `newest`."""
        is_in = days.c.day.between(window_start(day, oldest), window_start(day, newest) - timedelta(days=1))
        return func.sum(case((is_in, of), else_=0))

    again = days.c.day > days.c.model_from  # never so of days before the window: those come before its first
    return select(
        days.c.member_id,
        func.min(days.c.day).label("first_day"),
        func.max(days.c.day).label("last_day"),
        func.count().label("purchase_days"),
        within(0, YEAR_DAYS).label("days_365"),
        within(0, YEAR_DAYS, days.c.amount).label("amount_365"),
        within(0, FUNNEL_DAYS).label("days_30"),
        within(0, TREND_DAYS, days.c.amount).label("amount_now"),
        within(TREND_DAYS, 2 * TREND_DAYS, days.c.amount).label("amount_before"),
        func.min(days.c.model_from).label("model_from"),
        func.sum(case((again, 1), else_=0)).label("repeat_days"),
        cast(func.sum(case((again, days.c.amount), else_=0)), BigInteger).label("repeat_amount"),
    ).group_by(days.c.member_id)
