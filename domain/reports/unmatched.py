"""What was loaded and could not be tied: orders of nobody we know, refunds that found nothing to take back (M54)."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.purchase import Purchase, PurchaseLine


@dataclass(frozen=True)
class Untied:
    """How many there are, and their amount in minor units (of refunds: what is left to take back)."""

    count: int
    amount: int


def orders(session: Session) -> Untied:
    """Qualified orders of nobody we know. They wait, and are somebody's as soon as one is known by that name."""
    query = select(func.count(), func.coalesce(func.sum(Purchase.net_amount), 0)).where(
        Purchase.member_id.is_(None), Purchase.net_amount > 0
    )
    count, amount = session.execute(query).one()
    return Untied(count, int(amount))


def refunds(session: Session) -> Untied:
    """Refund lines of which something found no sale: their order is not known yet, or it was named wrongly."""
    left = -PurchaseLine.amount - PurchaseLine.allocated
    query = select(func.count(), func.coalesce(func.sum(left), 0)).where(PurchaseLine.kind == "refund", left > 0)
    count, amount = session.execute(query).one()
    return Untied(count, int(amount))


def buyers(session: Session, *, after: str = "", limit: int = 50) -> list[tuple[str, int, int]]:
    """The names under which unknown people bought, in order: the name, its orders, their amount."""
    query = (
        select(Purchase.buyer_ref, func.count(), func.sum(Purchase.net_amount))
        .where(Purchase.member_id.is_(None), Purchase.buyer_ref > after, Purchase.net_amount > 0)
        .group_by(Purchase.buyer_ref)
        .order_by(Purchase.buyer_ref)
        .limit(limit)
    )
    return [(ref, count, int(amount)) for ref, count, amount in session.execute(query) if ref is not None]
