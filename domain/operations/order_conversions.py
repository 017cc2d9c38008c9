"""An order of somebody we know is a finished conversion (definitions §4.3)."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain.operations import converting, naming
from domain.operations.converting import Completion
from models.purchase import Purchase, PurchaseLine
from models.rows import among


def complete(session: Session, purchase_ids: Iterable[int], *, is_history: bool, now: datetime) -> None:
    """Records it for these orders, at the time each was paid. One of refunds alone is none."""
    sold = exists().where(PurchaseLine.purchase_id == Purchase.id, PurchaseLine.kind == "sale")
    for part in naming.chunks(sorted(purchase_ids)):
        query = select(
            Purchase.member_id, Purchase.order_ref, Purchase.paid_at, Purchase.source, Purchase.via_id
        ).where(among(session, Purchase.id, part), Purchase.member_id.is_not(None), sold)
        done = [
            Completion(member_id, f"order:{ref}", once=f"order:{ref}", at=paid_at, source=source, via_id=via_id)
            for member_id, ref, paid_at, source, via_id in session.execute(query)
            if member_id is not None
        ]
        converting.complete_many(session, done, type="order", is_history=is_history, now=now)
