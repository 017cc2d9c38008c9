"""Ends access whose order was paid back: a period that was bought goes with what paid for it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.benefits import access
from domain.calendar import calendar_of
from domain.operations import naming, pointing
from models.benefit import AccessLine
from models.purchase import Purchase, PurchaseLine, RefundAllocation

REFUNDED = "refunded"
Paid = tuple[str, str]  # an order and a product of it


def settle(session: Session, member_ids: Collection[int], *, is_history: bool = False, now: datetime) -> int:
    """Ends what of these people's access was paid back, and lets what waited for its end begin; returns how many.

    Safe to repeat. A refund of something else in the same order ends nothing. Nobody is told here.
    """
    return sum(_settle_some(session, part, now=now) for part in naming.chunks(sorted(set(member_ids))))


def _settle_some(session: Session, ids: Sequence[int], *, now: datetime) -> int:
    lines = list(
        session.scalars(select(AccessLine).where(AccessLine.member_id.in_(ids), AccessLine.ended_at.is_(None)))
    )
    paid = {line.id: _paid_by(line.evidence) for line in lines if line.evidence.get("order")}
    gone = _paid_back(session, set(paid.values()))
    ended = [line for line in lines if paid.get(line.id) in gone]
    if ended:
        pointing.lock(session, {line.member_id for line in ended})
        _end(session, ended, lines, now=now)
    return len(ended)


def _paid_by(evidence: Mapping[str, str]) -> Paid:
    return evidence["order"], evidence.get("sku", "")


def _paid_back(session: Session, paid: set[Paid]) -> set[Paid]:
    """Of these products of orders, those of which nothing is left paid."""
    if not paid:
        return set()
    back = (
        select(func.coalesce(func.sum(RefundAllocation.amount), 0))
        .where(RefundAllocation.sale_line_id == PurchaseLine.id)
        .correlate(PurchaseLine)
        .scalar_subquery()
    )
    query = (
        select(Purchase.order_ref, PurchaseLine.sku, PurchaseLine.amount, back)
        .join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id)
        .where(Purchase.order_ref.in_({order for order, _ in paid}), PurchaseLine.kind == "sale")
    )
    left: dict[Paid, int] = defaultdict(int)
    for order, sku, amount, returned in session.execute(query):
        for key in ((order, sku), (order, "")):
            left[key] += amount - int(returned)
    return {each for each in paid if each in left and left[each] <= 0}


def _end(session: Session, ended: Sequence[AccessLine], lines: Sequence[AccessLine], *, now: datetime) -> None:
    for line in ended:
        line.ended_at, line.reason = now, REFUNDED
    for member_id, key in {(line.member_id, line.key) for line in ended}:
        kept = [each for each in lines if each.ended_at is None and (each.member_id, each.key) == (member_id, key)]
        access.move_up(kept, calendar_of(session), now=now)
    session.flush()
