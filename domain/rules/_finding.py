"""Pieces of queries that conditions share. Every piece is true or false, never NULL, so that NOT is safe."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute

from domain.rules._context import RuleContext
from models.arithmetic import one_of
from models.event import Event
from models.member import Member
from models.purchase import Purchase, PurchaseLine, RefundAllocation

Column = InstrumentedAttribute[Any] | ColumnElement[Any]


def some(
    context: RuleContext, owner: Column, *filters: ColumnElement[bool], having: ColumnElement[bool] | None = None
) -> ColumnElement[bool]:
    """The member owns at least one such row (or, with `having`, rows that together are such)."""
    found = select(owner).where(owner.is_not(None), *filters)
    if context.only is not None:
        found = found.where(one_of(owner, context.only))
    if having is not None:
        found = found.group_by(owner).having(having)
    return Member.id.in_(found)


def known(column: Column, is_so: ColumnElement[bool]) -> ColumnElement[bool]:
    """`is_so`, and false where the column is empty."""
    return and_(column.is_not(None), is_so)


def in_days(column: Column, context: RuleContext, days: int | None) -> list[ColumnElement[bool]]:
    """A local day within the last `days`, today included; None: any day up to today."""
    until = column <= context.today
    return [until] if days is None else [until, column >= context.first_day(days)]


def qualified(context: RuleContext, days: int | None) -> list[ColumnElement[bool]]:
    """Qualified orders (definitions §1) of the last `days`."""
    return [Purchase.net_amount > 0, *in_days(Purchase.day, context, days)]


def kept_lines(context: RuleContext, days: int | None, *filters: ColumnElement[bool]) -> ColumnElement[bool]:
    """Bought such a line, and did not bring all of it back."""
    returned = (
        select(func.coalesce(func.sum(RefundAllocation.amount), 0))
        .where(RefundAllocation.sale_line_id == PurchaseLine.id)
        .scalar_subquery()
    )
    line = exists().where(
        PurchaseLine.purchase_id == Purchase.id, PurchaseLine.kind == "sale", PurchaseLine.amount > returned, *filters
    )
    return some(context, Purchase.member_id, *qualified(context, days), line)


def bought_behind(context: RuleContext, days: int | None, *filters: ColumnElement[bool]) -> Select[Any]:
    """The orders behind a condition about purchases."""
    return behind("order", Purchase.member_id, Purchase.order_ref, Purchase.paid_at).where(
        *qualified(context, days), *filters
    )


def events_behind(*filters: ColumnElement[bool]) -> Select[Any]:
    """The events behind a condition about what happened."""
    return behind(Event.kind, Event.member_id, Event.object, Event.occurred_at).where(*filters)


def behind(what: Any, owner: Column, object: Any, at: Column) -> Select[Any]:
    """Rows of evidence: whose, what kind of thing, which one, when."""
    kind = literal(what) if isinstance(what, str) else what
    return select(owner.label("member_id"), kind.label("what"), object.label("object"), at.label("at"))


def years_before(day: date, years: int) -> date:
    """The same date `years` ago; 29 February becomes 28."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def until(column: Column, now: datetime) -> ColumnElement[bool]:
    return column <= now
