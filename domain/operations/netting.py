"""Which sales a refund takes back, so that it lowers the amount of the order's own day (definitions §1).

The allocation is a pure function of the lines now known: it is made again for every buyer and product
that new lines touch, so it does not matter in which order, or how often, the lines arrive.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from models.purchase import Purchase, PurchaseLine, RefundAllocation
from models.rows import among
from models.session import insert_for

# A buyer we know by id, or only by what the source called them.
Buyer = int | str
Group = tuple[Buyer, str]
PIECE = 5_000  # orders looked at together: few enough for one statement
LOCK = 0x6E6574  # PostgreSQL knows an advisory lock by a number; this one is "net"


@dataclass(frozen=True, slots=True)
class Piece:
    """A line as far as netting cares: whose, of what, when, and how much (positive) is still open."""

    id: int
    purchase_id: int
    order_ref: str
    line_no: int
    buyer: Buyer | None
    sku: str
    at: datetime
    open: int
    refund_of: str | None

    @property
    def moment(self) -> tuple[datetime, str, int]:
        """Orders pieces in time, the same way in every database."""
        return self.at, self.order_ref, self.line_no


Taken = dict[tuple[int, int], int]  # (refund line, sale line) → amount


def allocate_named(refunds: Iterable[Piece], sales: Iterable[Piece]) -> Taken:
    """Refunds that name their order take from its lines: those of the same sku first, then the others."""
    by_order: dict[str, list[Piece]] = defaultdict(list)
    for sale in sorted(sales, key=lambda each: each.moment):
        by_order[sale.order_ref].append(sale)
    left = {sale.id: sale.open for several in by_order.values() for sale in several}
    taken: Taken = {}
    for refund in sorted(refunds, key=lambda each: each.moment):
        theirs = by_order.get(refund.refund_of or "", [])
        _take(refund, sorted(theirs, key=lambda each: each.sku != refund.sku), left, taken)
    return taken


def allocate_unnamed(refunds: Iterable[Piece], sales: Iterable[Piece], spent: dict[int, int]) -> Taken:
    """Refunds that name no order take from the buyer's latest earlier lines of that sku.

    `spent` is what named refunds already took from each sale line.
    """
    by_group: dict[Group, list[Piece]] = defaultdict(list)
    left: dict[int, int] = {}
    for sale in sorted(sales, key=lambda each: each.moment, reverse=True):
        if sale.buyer is not None:
            by_group[(sale.buyer, sale.sku)].append(sale)
            left[sale.id] = sale.open - spent.get(sale.id, 0)
    taken: Taken = {}
    for refund in sorted(refunds, key=lambda each: each.moment):
        if refund.buyer is not None:
            earlier = [each for each in by_group[(refund.buyer, refund.sku)] if each.at <= refund.at]
            _take(refund, earlier, left, taken)
    return taken


def _take(refund: Piece, sales: Sequence[Piece], left: dict[int, int], taken: Taken) -> None:
    wanted = refund.open
    for sale in sales:
        amount = min(wanted, left[sale.id])
        if amount > 0:
            taken[(refund.id, sale.id)] = amount
            left[sale.id] -= amount
            wanted -= amount
        if wanted <= 0:
            return


def take_turn(session: Session) -> None:
    """Until this transaction ends, nobody else records orders; who comes next sees all of ours.

    Row locks would not do: a sale and its refund that arrive at the same moment are rows the other cannot
    see yet. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def settle_refunds(session: Session, purchase_ids: Collection[int]) -> None:
    """Nets everything that these (new or changed) orders touch."""
    take_turn(session)
    ids = sorted(set(purchase_ids))
    for at in range(0, len(ids), PIECE):
        touched = set(ids[at : at + PIECE])
        touched |= _settle_named(session, touched)
        touched |= _settle_unnamed(session, touched)
        _recompute(session, touched)


def _settle_named(session: Session, touched: set[int]) -> set[int]:
    refs = select(Purchase.order_ref).where(among(session, Purchase.id, touched))
    named = select(PurchaseLine.refund_of).where(
        among(session, PurchaseLine.purchase_id, touched), PurchaseLine.refund_of.is_not(None)
    )
    concerned = set(session.scalars(refs)) | {ref for ref in session.scalars(named) if ref}
    refunds = _pieces(session, _lines("refund").where(among(session, PurchaseLine.refund_of, concerned)))
    if not refunds:
        return set()
    sales = _pieces(
        session, _lines("sale").where(among(session, Purchase.order_ref, {each.refund_of for each in refunds}))
    )
    return _replace(session, refunds, sales, allocate_named(refunds, sales))


def _settle_unnamed(session: Session, touched: set[int]) -> set[int]:
    groups = _groups_of(session, touched)
    buyers = {buyer for buyer, _ in groups}
    unnamed = _lines("refund").where(PurchaseLine.refund_of.is_(None), _bought_by(session, buyers))
    refunds = [each for each in _pieces(session, unnamed) if (each.buyer, each.sku) in groups]
    if not refunds:
        return set()
    wanted = {(each.buyer, each.sku) for each in refunds}
    of_these = (
        _bought_by(session, {each.buyer for each in refunds}),
        among(session, PurchaseLine.sku, {each.sku for each in refunds}),
    )
    sales = [each for each in _pieces(session, _lines("sale").where(*of_these)) if (each.buyer, each.sku) in wanted]
    return _replace(session, refunds, sales, allocate_unnamed(refunds, sales, _taken_by_name(session, of_these)))


def _groups_of(session: Session, purchase_ids: set[int]) -> set[Group]:
    query = (
        select(Purchase.member_id, Purchase.buyer_ref, PurchaseLine.sku)
        .join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id)
        .where(among(session, Purchase.id, purchase_ids))
    )
    return {
        (buyer, sku)
        for member_id, buyer_ref, sku in session.execute(query)
        if (buyer := _buyer(member_id, buyer_ref)) is not None
    }


def _buyer(member_id: int | None, buyer_ref: str | None) -> Buyer | None:
    return member_id if member_id is not None else buyer_ref or None


def _bought_by(session: Session, buyers: Collection[Buyer | None]) -> ColumnElement[bool]:
    known = [each for each in buyers if isinstance(each, int)]
    unknown = [each for each in buyers if isinstance(each, str)]
    return or_(
        among(session, Purchase.member_id, known),
        Purchase.member_id.is_(None) & among(session, Purchase.buyer_ref, unknown),
    )


def _lines(kind: str) -> Select[Any]:
    return (
        select(
            PurchaseLine.id,
            PurchaseLine.purchase_id,
            Purchase.order_ref,
            PurchaseLine.line_no,
            Purchase.member_id,
            Purchase.buyer_ref,
            PurchaseLine.sku,
            func.coalesce(PurchaseLine.paid_at, Purchase.paid_at, type_=Purchase.paid_at.type),
            func.abs(PurchaseLine.amount),
            PurchaseLine.refund_of,
        )
        .join(Purchase, Purchase.id == PurchaseLine.purchase_id)
        .where(PurchaseLine.kind == kind)
    )


def _pieces(session: Session, query: Select[Any]) -> list[Piece]:
    return [
        Piece(id, purchase_id, ref, line_no, _buyer(member_id, buyer_ref), sku, at, amount, refund_of)
        for id, purchase_id, ref, line_no, member_id, buyer_ref, sku, at, amount, refund_of in session.execute(query)
    ]


def _taken_by_name(session: Session, of_these: tuple[ColumnElement[bool], ...]) -> dict[int, int]:
    refund = aliased(PurchaseLine)
    query = (
        select(RefundAllocation.sale_line_id, func.sum(RefundAllocation.amount))
        .join(refund, refund.id == RefundAllocation.refund_line_id)
        .join(PurchaseLine, PurchaseLine.id == RefundAllocation.sale_line_id)
        .join(Purchase, Purchase.id == PurchaseLine.purchase_id)
        .where(refund.refund_of.is_not(None), *of_these)
        .group_by(RefundAllocation.sale_line_id)
    )
    return {line_id: int(amount) for line_id, amount in session.execute(query)}


def _replace(session: Session, refunds: list[Piece], sales: list[Piece], taken: Taken) -> set[int]:
    """Puts `taken` in place of what these refunds took before; returns the orders where that differs."""
    ids = [each.id for each in refunds]
    stored = select(RefundAllocation.refund_line_id, RefundAllocation.sale_line_id, RefundAllocation.amount).where(
        among(session, RefundAllocation.refund_line_id, ids)
    )
    before: Taken = {(refund, sale): amount for refund, sale, amount in session.execute(stored)}
    if before == taken:
        return set()
    session.execute(delete(RefundAllocation).where(among(session, RefundAllocation.refund_line_id, ids)))
    if taken:
        session.execute(
            insert_for(session)(RefundAllocation),
            [{"refund_line_id": r, "sale_line_id": s, "amount": amount} for (r, s), amount in taken.items()],
        )
    _note_allocated(session, ids, taken)
    changed = {pair for pair in before.keys() | taken.keys() if before.get(pair) != taken.get(pair)}
    of_line = {each.id: each.purchase_id for each in (*refunds, *sales)}
    orders = {of_line[line] for pair in changed for line in pair if line in of_line}
    return orders | _orders_of(session, {sale for _, sale in changed if sale not in of_line})


def _orders_of(session: Session, line_ids: set[int]) -> set[int]:
    if not line_ids:
        return set()
    return set(session.scalars(select(PurchaseLine.purchase_id).where(among(session, PurchaseLine.id, line_ids))))


def _note_allocated(session: Session, refund_ids: list[int], taken: Taken) -> None:
    sums = dict.fromkeys(refund_ids, 0)
    for (refund_id, _), amount in taken.items():
        sums[refund_id] += amount
    session.execute(update(PurchaseLine), [{"id": line, "allocated": amount} for line, amount in sums.items()])


def _recompute(session: Session, purchase_ids: set[int]) -> None:
    """Net amount = sale lines − what refunds took from them + refunds that found nothing to be taken from."""
    own = (
        select(func.coalesce(func.sum(PurchaseLine.amount + PurchaseLine.allocated), 0))
        .where(PurchaseLine.purchase_id == Purchase.id)
        .scalar_subquery()
    )
    taken = (
        select(func.coalesce(func.sum(RefundAllocation.amount), 0))
        .join(PurchaseLine, PurchaseLine.id == RefundAllocation.sale_line_id)
        .where(PurchaseLine.purchase_id == Purchase.id)
        .scalar_subquery()
    )
    session.execute(
        update(Purchase).where(among(session, Purchase.id, purchase_ids)).values(net_amount=own - taken),
        execution_options={"synchronize_session": False},
    )
