"""Members register the e-invoices of what they bought, so that it counts for them (Taiwan, M58).

A number names one invoice. Registered, it is an identity of the member: the order with that number is theirs
whether the shop's file was read before or comes later. Whether a number is another's is never said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, TooMany
from domain.operations import linking_buyers, naming, netting, resolving, settling
from domain.operations.recording import record
from domain.wording import mark
from models.member import Identity, Member
from models.purchase import Purchase
from models.session import insert_for

KIND = "invoice"
# Nobody shops more often; who tries numbers that are not theirs stops here.
MOST_A_DAY = 30


@dataclass(frozen=True)
class Registered:
    """An invoice a member registered; `net_amount` in minor units once the shop's file told of it."""

    number: str
    at: datetime
    net_amount: int | None


def register(session: Session, member: Member, *, number: str, source: str, now: datetime) -> str:
    """Makes the invoice this member's own; returns its number as kept.

    Raises Invalid for what is no number, Conflict for one that counts for somebody already, TooMany.
    """
    invoice = naming.invoice_number(number)
    if invoice is None:
        raise Invalid(
            mark("Nothing was registered: an invoice number is two letters and eight digits, such as AB12345678."),
            field="number",
        )
    if _today(session, member, now=now) >= MOST_A_DAY:
        raise TooMany(mark("Nothing was registered: that were many invoices for one day. Please go on tomorrow."))
    netting.take_turn(session)  # a file that brings this invoice at the same moment comes wholly before or after
    if _is_counted(session, invoice) or not _claim(session, member, invoice, source=source, now=now):
        raise Conflict(
            mark("Nothing was registered: this invoice has been counted already. Check the number, or ask the store."),
            code="already_registered",
            field="number",
        )
    record(
        session, "invoice_registered", member_id=member.id, source=source, object=f"invoice:{invoice}",
        dedupe_key=f"invoice:{invoice}", now=now,
    )  # fmt: skip
    linking_buyers.link_buyers(session, {invoice: resolving.record_of(session, member.id)}, now=now)
    settling.settle(session, [member.id], now=now)  # found or not, it may have counted for something
    return invoice


def registered_by(session: Session, member: Member, *, limit: int = 50) -> Sequence[Registered]:
    """The newest invoices of this member, each with the order it turned out to be."""
    theirs = Identity.member_id.in_(resolving.below(session, member.id))
    query = (
        select(Identity.value, Identity.created_at, Purchase.net_amount)
        .outerjoin(Purchase, (Purchase.order_ref == Identity.value) & (Purchase.member_id == member.id))
        .where(theirs, Identity.kind == KIND)
        .order_by(Identity.created_at.desc(), Identity.id.desc())
    )
    return [Registered(number, at, net) for number, at, net in session.execute(query.limit(limit))]


def _today(session: Session, member: Member, *, now: datetime) -> int:
    lately = select(func.count()).where(
        Identity.member_id.in_(resolving.below(session, member.id)),
        Identity.kind == KIND,
        Identity.created_at > now - timedelta(days=1),
    )
    return session.scalar(lately) or 0


def _claim(session: Session, member: Member, invoice: str, *, source: str, now: datetime) -> bool:
    """Writes the identity, verified: who holds the paper bought it. False when it is somebody's, even theirs."""
    row = insert_for(session)(Identity).values(
        member_id=resolving.record_of(session, member.id), kind=KIND, value=invoice, source=source,
        created_at=now, verified_at=now,
    )  # fmt: skip
    return session.execute(row.on_conflict_do_nothing().returning(Identity.id)).first() is not None


def _is_counted(session: Session, invoice: str) -> bool:
    """Whether the order of this number has a buyer we know, by a card shown at the till."""
    owned = select(Purchase.id).where(Purchase.order_ref == invoice, Purchase.member_id.is_not(None))
    return session.scalar(owned) is not None
