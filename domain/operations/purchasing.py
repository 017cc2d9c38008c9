"""Orders and refunds become known: from a file, a shop's system or the counter, late, twice, in any order.

A line is identified by its order and line number. The same line again changes nothing; another line
under the same number is refused. Refunds lower the order they take back (see `netting`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, Invalid, Refusal
from domain.operations import naming, netting, order_conversions, resolving, rolling_up, settling
from domain.operations.recording import is_news, record
from domain.wording import mark
from models.merge import via_of
from models.purchase import Purchase, PurchaseLine
from models.rows import among, insert_many
from models.store import Store


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order; `amount` in minor units, of either sign on a refund."""

    line_no: int
    sku: str
    amount: int
    quantity: int = 1
    kind: str = "sale"
    product: str = ""
    category: str = ""
    refund_of: str | None = None

    def checked(self) -> "Line":
        """The line as we keep it: refunds negative. Raises Invalid for what cannot be."""
        if self.kind == "refund":
            return replace(self, amount=-abs(self.amount), quantity=-abs(self.quantity))
        if self.kind != "sale":
            raise Invalid(mark("The kind is %(kind)s. Use sale or refund."), kind=self.kind)
        if self.refund_of:
            raise Invalid(
                mark("A sale cannot name an order it refunds. Use the kind refund, or leave refund_of empty.")
            )
        if self.amount < 0:
            raise Invalid(mark("The amount of a sale is below 0. Use the kind refund for money paid back."))
        return self


@dataclass(frozen=True, slots=True)
class Order:
    """What all lines of an order share. `member_id`: the record the buyer is named by, joined into another or not."""

    order_ref: str
    paid_at: datetime
    member_id: int | None = None
    buyer_ref: str | None = None
    channel: str = ""
    store_id: int | None = None
    via_id: int | None = None  # as models/event.py; found out here


Outcome = Literal["accepted", "repeated"] | Refusal


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of each line, and whose spend the lines may have moved."""

    outcomes: list[Outcome]
    member_ids: set[int]


@dataclass(frozen=True, slots=True)
class _Head:
    """An order as stored."""

    id: int
    paid_at: datetime
    member_id: int | None
    buyer_ref: str | None
    via_id: int | None


def record_order(
    session: Session,
    *,
    order_ref: str,
    paid_at: datetime,
    lines: Sequence[Line],
    member_id: int | None = None,
    buyer_ref: str | None = None,
    channel: str = "",
    store_id: int | None = None,
    source: str,
    now: datetime,
) -> Purchase:
    """One order with its lines, as the counter records it; tiers and conversions follow at once.

    Raises Invalid or Conflict for the first line that cannot be recorded.
    """
    order = Order(order_ref, paid_at, member_id, buyer_ref, channel, store_id)
    recorded = record_lines(session, [(order, line) for line in lines], source=source, now=now)
    for outcome in recorded.outcomes:
        if isinstance(outcome, Refusal):
            raise outcome
    purchase = session.scalar(select(Purchase).where(Purchase.order_ref == order_ref))
    if purchase is None:
        raise Invalid(mark("The order has no lines, so nothing was recorded. Add at least one line."))
    settling.settle(session, recorded.member_ids, now=now)
    return purchase


def record_lines(
    session: Session, items: Sequence[tuple[Order, Line]], *, source: str, is_history: bool = False, now: datetime
) -> Recorded:
    """Many lines of many orders. The caller settles the tiers of `member_ids` afterwards, once.

    Set-based: the number of queries does not depend on the number of lines (except for visits that are news,
    which are few). `is_history`: from a file, which starts nothing however young it is (design §2).
    """
    netting.take_turn(session)
    items = _of_the_kept(session, items)
    heads = _heads(session, {order.order_ref for order, _ in items})
    known = _known_lines(session, heads)
    outcomes: list[Outcome] = []
    fresh: list[tuple[Order, Line]] = []
    owners = {ref: head.member_id for ref, head in heads.items()}
    for order, line in items:
        outcome = _judge(order, line, known, owners)
        outcomes.append(outcome if isinstance(outcome, Refusal | str) else "accepted")
        if isinstance(outcome, Line):
            fresh.append((order, outcome))
            known[(order.order_ref, line.line_no)] = outcome
            owners[order.order_ref] = owners.get(order.order_ref) or order.member_id
    if fresh:
        _write(session, fresh, heads, source=source, is_history=is_history, now=now)
    return Recorded(outcomes, _whose(session, items))


def _of_the_kept(session: Session, items: Sequence[tuple[Order, Line]]) -> list[tuple[Order, Line]]:
    """Orders of joined records are the kept one's, and remember whose they were."""
    ids = {order.member_id for order, _ in items if order.member_id is not None}
    kept = resolving.roots(session, ids)
    came = {each: each if kept[each] != each else via_of(session, each) for each in ids}
    if not any(came.values()):
        return list(items)
    return [(replace(order, member_id=kept[whose], via_id=came[whose]) if (whose := order.member_id) else order, line)
            for order, line in items]  # fmt: skip


def _whose(session: Session, items: Iterable[tuple[Order, Line]]) -> set[int]:
    """Whose spend these lines move. Known lines too: whoever recorded them may have been killed before tiers."""
    refs = {order.order_ref for order, _ in items} | {line.refund_of for _, line in items if line.refund_of}
    return {head.member_id for head in _heads(session, refs).values() if head.member_id is not None}


def _judge(
    order: Order, line: Line, known: Mapping[tuple[str, int], Line], owners: Mapping[str, int | None]
) -> Literal["repeated"] | Line | Refusal:
    """The line as it is to be kept, or why not."""
    try:
        line = line.checked()
    except Invalid as refusal:
        return refusal
    owner = owners.get(order.order_ref)
    if owner is not None and order.member_id is not None and owner != order.member_id:
        return Conflict(mark("Order %(order)s belongs to another member. Correct the member or the order number."),
                        order=order.order_ref)  # fmt: skip
    same = known.get((order.order_ref, line.line_no))
    if same is None:
        return line
    if (same.sku, same.amount, same.kind, same.refund_of) == (line.sku, line.amount, line.kind, line.refund_of):
        return "repeated"
    return Conflict(
        mark(
            "Line %(line)s of order %(order)s is already recorded differently. "
            "Record a refund for what was taken back, or give this line its own number."
        ),
        line=line.line_no,
        order=order.order_ref,
    )


def _heads(session: Session, refs: Iterable[str]) -> dict[str, _Head]:
    found: dict[str, _Head] = {}
    for part in naming.chunks(sorted(refs)):
        query = select(
            Purchase.order_ref, Purchase.id, Purchase.paid_at, Purchase.member_id, Purchase.buyer_ref, Purchase.via_id
        ).where(among(session, Purchase.order_ref, part))
        for ref, id, paid_at, member_id, buyer_ref, via_id in session.execute(query):
            found[ref] = _Head(id, paid_at, member_id, buyer_ref, via_id)
    return found


def _known_lines(session: Session, heads: Mapping[str, _Head]) -> dict[tuple[str, int], Line]:
    refs = {head.id: ref for ref, head in heads.items()}
    lines: dict[tuple[str, int], Line] = {}
    for part in naming.chunks(sorted(refs)):
        query = select(
            PurchaseLine.purchase_id, PurchaseLine.line_no, PurchaseLine.sku, PurchaseLine.amount,
            PurchaseLine.quantity, PurchaseLine.kind, PurchaseLine.refund_of,
        ).where(among(session, PurchaseLine.purchase_id, part))  # fmt: skip
        for purchase_id, line_no, sku, amount, quantity, kind, refund_of in session.execute(query):
            line = Line(line_no, sku, amount, quantity, kind, refund_of=refund_of)
            lines[(refs[purchase_id], line_no)] = line
    return lines


def _write(
    session: Session,
    fresh: list[tuple[Order, Line]],
    heads: dict[str, _Head],
    *,
    source: str,
    is_history: bool,
    now: datetime,
) -> None:
    orders = _folded(order for order, _ in fresh)
    _insert_heads(session, [order for ref, order in orders.items() if ref not in heads], source=source, now=now)
    _update_heads(session, orders, heads, now=now)
    ids = {ref: head.id for ref, head in _heads(session, orders).items()}
    rows = [_line_row(ids[order.order_ref], order, line) for order, line in fresh]
    insert_many(session, PurchaseLine, rows, once=["purchase_id", "line_no"])
    netting.settle_refunds(session, ids.values())
    forget(session)
    sold = {ids[order.order_ref] for order, line in fresh if line.kind == "sale"}
    order_conversions.complete(session, sold, is_history=is_history, now=now)
    _visits(session, orders, fresh, heads, source=source, is_history=is_history, now=now)


def _folded(orders: Iterable[Order]) -> dict[str, Order]:
    """One order per number: the earliest time of its lines, the first that each line knows of the rest."""
    folded: dict[str, Order] = {}
    for order in orders:
        first = folded.setdefault(order.order_ref, order)
        if first is not order and first != order:
            folded[order.order_ref] = Order(
                order.order_ref,
                min(first.paid_at, order.paid_at),
                first.member_id or order.member_id,
                first.buyer_ref or order.buyer_ref,
                first.channel or order.channel,
                first.store_id or order.store_id,
                first.via_id if first.member_id else order.via_id,
            )
    return folded


def _insert_heads(session: Session, orders: list[Order], *, source: str, now: datetime) -> None:
    if not orders:
        return
    calendar = calendar_of(session)
    rows = [
        {
            "order_ref": order.order_ref, "member_id": order.member_id, "buyer_ref": order.buyer_ref,
            "paid_at": order.paid_at, "day": calendar.day_of(order.paid_at), "recorded_at": now,
            "channel": order.channel, "store_id": order.store_id, "source": source, "via_id": order.via_id,
        }
        for order in orders
    ]  # fmt: skip
    insert_many(session, Purchase, rows, once=["order_ref"])


def _update_heads(session: Session, orders: Mapping[str, Order], heads: Mapping[str, _Head], *, now: datetime) -> None:
    """A line that comes later may tell an earlier time, or who bought."""
    calendar = calendar_of(session)
    rows: list[dict[str, Any]] = [
        {
            "id": head.id,
            "paid_at": paid_at,
            "day": calendar.day_of(paid_at),
            "member_id": head.member_id or order.member_id,
            "via_id": head.via_id if head.member_id else order.via_id,
            "buyer_ref": head.buyer_ref or order.buyer_ref,
        }
        for ref, order in orders.items()
        if (head := heads.get(ref)) is not None and (paid_at := min(head.paid_at, order.paid_at))
        if paid_at != head.paid_at or (head.member_id is None and (order.member_id or order.buyer_ref))
    ]
    if rows:
        session.execute(update(Purchase), rows)
        _note_moved(session, {row["id"]: row["day"] for row in rows}, heads.values(), now=now)


def _note_moved(session: Session, days: Mapping[int, date], heads: Iterable[_Head], *, now: datetime) -> None:
    calendar = calendar_of(session)
    before = {head.id: calendar.day_of(head.paid_at) for head in heads if head.id in days}
    moved = [(before[id], day) for id, day in days.items() if before[id] != day]
    if moved:
        rolling_up.note_moved(session, chain.from_iterable(moved), now=now)


def _line_row(purchase_id: int, order: Order, line: Line) -> dict[str, Any]:
    return {
        "purchase_id": purchase_id, "line_no": line.line_no, "sku": line.sku, "product": line.product,
        "category": line.category, "quantity": line.quantity, "amount": line.amount, "kind": line.kind,
        "refund_of": line.refund_of, "paid_at": order.paid_at,
    }  # fmt: skip


def forget(session: Session) -> None:
    """Orders and lines already loaded were changed behind the session's back."""
    for row in session.identity_map.values():
        if isinstance(row, Purchase | PurchaseLine):
            session.expire(row)


def _visits(
    session: Session,
    orders: Mapping[str, Order],
    fresh: list[tuple[Order, Line]],
    heads: Mapping[str, _Head],
    *,
    source: str,
    is_history: bool,
    now: datetime,
) -> None:
    """An order paid in a store just now is a visit."""
    with_sales = {order.order_ref for order, line in fresh if line.kind == "sale"}
    for ref in with_sales - heads.keys():
        order = orders[ref]
        if order.member_id is not None and order.store_id is not None and is_news(order.paid_at, now=now):
            _visit(session, order, source=source, is_history=is_history, now=now)


def _visit(session: Session, order: Order, *, source: str, is_history: bool, now: datetime) -> None:
    store = session.get(Store, order.store_id)
    assert store is not None  # a foreign key
    record(
        session, "visited", member_id=order.member_id, source=source, occurred_at=order.paid_at,
        object=store.key, data={"store": store.key, "how": "purchase"}, is_history=is_history,
        dedupe_key=f"visited:order:{order.order_ref}", via_id=order.via_id, now=now,
    )  # fmt: skip
