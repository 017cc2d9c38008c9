"""Orders made before we knew by whom become somebody's, as soon as a reference names them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from domain.operations import naming, netting, order_conversions, purchasing, resolving, settling
from models.purchase import Purchase
from models.rows import among


def link_buyer(session: Session, member_id: int, refs: Iterable[str], *, now: datetime) -> int:
    """Gives a person the orders made under these references before we knew who they were; returns how many."""
    linked = link_buyers(session, dict.fromkeys(refs, resolving.record_of(session, member_id)), now=now)
    if linked:
        settling.settle(session, resolving.roots(session, [member_id]).values(), now=now)
    return linked


def link_buyers(session: Session, owners: Mapping[str, int], *, now: datetime) -> int:
    """The same for many: reference → the record it turned out to be of, joined or not. The caller settles tiers."""
    region = naming.region_of(session)
    by_form = {naming.normal_ref(ref, region): member_id for ref, member_id in owners.items() if ref}
    if not _unclaimed(session, by_form):
        return 0  # most people have none, and need not wait for their turn
    netting.take_turn(session)
    rows = _unclaimed(session, by_form)
    if rows:
        kept = resolving.roots(session, {row["member_id"] for row in rows})
        session.execute(update(Purchase), [_given(row, kept[row["member_id"]]) for row in rows])
        netting.settle_refunds(session, {row["id"] for row in rows})
        purchasing.forget(session)
        # That an order is somebody's is learned now; the order itself is no news.
        order_conversions.complete(session, {row["id"] for row in rows}, is_history=True, now=now)
    return len(rows)


def _unclaimed(session: Session, owners: Mapping[str, int]) -> list[dict[str, int]]:
    """Orders made under these forms of references that are nobody's yet, with whose they are."""
    rows: list[dict[str, int]] = []
    for part in naming.chunks(sorted(owners)):
        # An e-invoice's number names its buyer as much as a reference does.
        invoices = [ref for ref in part if naming.INVOICE.fullmatch(ref)]
        meant = among(session, Purchase.buyer_ref, part)
        query = select(Purchase.id, Purchase.buyer_ref, Purchase.order_ref).where(
            or_(meant, Purchase.order_ref.in_(invoices)) if invoices else meant, Purchase.member_id.is_(None)
        )
        for id, ref, order_ref in session.execute(query):
            named = ref if ref is not None and ref in owners else order_ref
            rows.append({"id": id, "member_id": owners[named]})
    return rows


def _given(row: Mapping[str, int], kept: int) -> dict[str, Any]:
    return {**row, "member_id": kept, "via_id": row["member_id"] if kept != row["member_id"] else None}
