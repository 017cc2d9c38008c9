"""A purchase at the counter: one amount, for the person who has just shown their code."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, NotFound
from domain.money import to_minor
from domain.operations import purchasing, recording
from domain.operations.auditing import audit
from domain.operations.purchasing import Line
from domain.wording import mark
from models.member import Member
from models.programme import the_brand
from models.purchase import Purchase
from models.store import Store

UNDO = timedelta(minutes=10)
CHANNEL = "counter"


def new_order_ref() -> str:
    """For a sale without an order number. The form carries it, so that sending the form twice is one sale."""
    return "C" + secrets.token_hex(8)


def sell(
    session: Session, member: Member, store: Store, *, amount: str, order_ref: str, staff_id: int, now: datetime
) -> Purchase:
    """Records the sale; tiers follow at once. `amount` as typed, in the brand's currency."""
    try:
        minor, _ = to_minor(amount, the_brand(session).currency)
    except ValueError:
        minor = 0
    if minor <= 0:
        raise Invalid(mark("The purchase was not recorded: the amount must be a number above 0. Type it again."))
    _require_free(session, order_ref, member)
    purchase = purchasing.record_order(
        session, order_ref=order_ref, paid_at=now, lines=[Line(line_no=1, sku="counter", amount=minor)],
        member_id=member.id, channel=CHANNEL, store_id=store.id, source="staff", now=now,
    )  # fmt: skip
    audit(
        session, staff_id=staff_id, action="sold", member_id=member.id, object=f"order:{order_ref}",
        data={"amount": minor, "store": store.key}, now=now,
    )  # fmt: skip
    return purchase


def _require_free(session: Session, order_ref: str, member: Member) -> None:
    known = session.scalar(select(Purchase).where(Purchase.order_ref == order_ref))
    if known is not None and (known.member_id != member.id or known.channel != CHANNEL):
        raise Conflict(
            mark("The purchase was not recorded: order %(ref)s is already known. Check the order number."),
            ref=order_ref,
        )


def take_back(session: Session, member: Member, *, order_ref: str, staff_id: int, now: datetime) -> None:
    """Undoes a counter sale within ten minutes: a refund of all of it, and no visit."""
    purchase = session.scalar(
        select(Purchase).where(
            Purchase.order_ref == order_ref, Purchase.member_id == member.id, Purchase.channel == CHANNEL
        )
    )
    if purchase is None:
        raise NotFound(mark("There is no such purchase to take back. Look at the list again."))
    if now - purchase.recorded_at > UNDO:
        raise Conflict(mark("This purchase is more than ten minutes old, so it stays. Record a refund in the shop."))
    if purchase.net_amount <= 0:
        return
    refund = Line(line_no=2, sku="counter", amount=purchase.net_amount, kind="refund", refund_of=order_ref)
    purchasing.record_order(
        session, order_ref=order_ref, paid_at=purchase.paid_at, lines=[refund], member_id=member.id,
        channel=CHANNEL, store_id=purchase.store_id, source="staff", now=now,
    )  # fmt: skip
    recording.unrecord(session, [f"visited:order:{order_ref}", f"complete:order:{order_ref}"])
    audit(session, staff_id=staff_id, action="undid_sale", member_id=member.id, object=f"order:{order_ref}", now=now)
