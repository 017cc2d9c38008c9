"""Goods as the programme knows them: bundles, launches and what is none (Brand.shelf), by sku or category."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from domain.metrics._people import of_the_public
from domain.metrics._shape import Period, Rows
from models.purchase import Purchase, PurchaseLine, RefundAllocation


def is_any_of(words: list[str]) -> ColumnElement[bool]:
    """Whether the line at hand has one of these skus or categories."""
    return or_(PurchaseLine.sku.in_(words), PurchaseLine.category.in_(words)) if words else false()


def is_goods(shelf: Mapping[str, Any]) -> ColumnElement[bool]:
    """Lines that are merchandise: not shipping, bags or what else the programme leaves out."""
    words = list(shelf.get("non_goods", []))
    return and_(PurchaseLine.sku.not_in(words), PurchaseLine.category.not_in(words)) if words else ~false()


def net_of_line() -> ColumnElement[int]:
    """What a sale line brought in: its amount less what refunds took from it."""
    taken = select(func.coalesce(func.sum(RefundAllocation.amount), 0)).where(
        RefundAllocation.sale_line_id == PurchaseLine.id
    )
    return PurchaseLine.amount - taken.correlate(PurchaseLine).scalar_subquery()


def sale_lines(first: date, last: date, period: Period) -> Rows:
    """Sale lines of qualified orders of these local days; columns are chosen by the caller."""
    return (
        select(PurchaseLine.id)
        .join(Purchase, Purchase.id == PurchaseLine.purchase_id)
        .where(
            PurchaseLine.kind == "sale",
            Purchase.net_amount > 0,
            of_the_public(),
            Purchase.day.between(first, last),
            Purchase.recorded_at <= period.as_of,
        )
    )


def launches(shelf: Mapping[str, Any]) -> dict[str, date]:
    """The day each new product came, by sku."""
    return {sku: date.fromisoformat(day) for sku, day in shelf.get("launches", {}).items()}


def first_days(launched: date, days: int) -> tuple[date, date]:
    """The first `days` local days of a product, the day it came included."""
    return launched, launched + timedelta(days=days - 1)
