"""Bought one of these products: once for each order that has it, if the order is news (not from a file, within 48 h).

An order paid back before we look is none.
"""

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import NEWS
from domain.wording import say
from models.event import Event
from models.purchase import Purchase, PurchaseLine


class Params(triggers.Params):
    skus: list[str] = Field(min_length=1, max_length=200)


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    """By the conversion that every order of a known person is: it says whether it came as news."""
    sku = func.min(PurchaseLine.sku)
    bought = (
        select(Event.member_id, Purchase.order_ref, Event.occurred_at, Event.recorded_at, sku)
        .join(Purchase, Event.object == "order:" + Purchase.order_ref)
        .join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id)
        .where(
            Event.kind == "conversion_completed",
            Event.recorded_at > window.since,
            Event.recorded_at <= window.now,
            Event.occurred_at > window.since - NEWS,
            Event.is_history.is_(False),
            Event.member_id == Purchase.member_id,
            PurchaseLine.kind == "sale",
            PurchaseLine.sku.in_(params.skus),
            Purchase.net_amount > 0,
        )
        .group_by(Event.member_id, Purchase.order_ref, Event.occurred_at, Event.recorded_at)
    )
    return [
        triggers.Entry(member_id, f"order:{ref}", paid_at, {"order": ref, "sku": which})
        for member_id, ref, paid_at, recorded_at, which in session.execute(bought)
        if member_id is not None and recorded_at - paid_at <= NEWS
    ]


def words(params: Params, language: str) -> str:
    return say(language, "after buying %(what)s", what=say(language, " or ").join(params.skus))
