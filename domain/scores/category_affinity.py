"""What someone buys most often: the categories bought on most days of the last year, at most three.

Days are counted, not pieces or money, so that one large order makes nobody a lover of anything. It rests on the
categories in the order lines; without them nobody has any.
"""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from domain.scores._figures import Among, Rows, window_start
from models.arithmetic import json_list
from models.purchase import Purchase, PurchaseLine

KEPT = 3


def category_days(day: date, among: Among) -> Rows:
    """(member_id, category, days): on how many of the last 365 days something of a category was bought."""
    return (
        select(Purchase.member_id, PurchaseLine.category, func.count(Purchase.day.distinct()).label("days"))
        .join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id)
        .where(Purchase.member_id.is_not(None), among(Purchase.member_id), Purchase.net_amount > 0)
        .where(Purchase.day.between(window_start(day), day))
        .where(PurchaseLine.kind == "sale", PurchaseLine.amount > 0, PurchaseLine.category != "")
        .group_by(Purchase.member_id, PurchaseLine.category)
    )


def affinity_figures(day: date, among: Among) -> Rows:
    """(member_id, affinity): the favourites as JSON, best first: `[["tea", 9], …]`; equals by their names."""
    counted = category_days(day, among).subquery("counted")
    place = func.row_number().over(
        partition_by=counted.c.member_id, order_by=(counted.c.days.desc(), counted.c.category)
    )
    ranked = select(counted, place.label("place")).subquery("ranked")
    kept = (
        select(ranked.c.member_id, func.count().label("count"), *_placed(ranked))
        .where(ranked.c.place <= KEPT)
        .group_by(ranked.c.member_id)
        .subquery("kept")
    )
    pairs = [json_list(kept.c[f"category{n}"], kept.c[f"days{n}"]) for n in range(1, KEPT + 1)]
    lists = [(kept.c.count == n, json_list(*pairs[:n])) for n in range(1, KEPT + 1)]
    return select(kept.c.member_id, case(*lists).label("affinity"))


def _placed(ranked: Any) -> list[ColumnElement[Any]]:
    """The category and the days of each place, as columns."""
    return [
        func.max(case((ranked.c.place == n, ranked.c[name]))).label(f"{name}{n}")
        for n in range(1, KEPT + 1)
        for name in ("category", "days")
    ]
