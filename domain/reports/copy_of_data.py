"""A copy of their data: everything we keep of one person, as plain data they can take with them."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import Base
from models.benefit import AccessLine, CouponClaim
from models.event import Event
from models.member import Friend, Identity, Member
from models.outbox import OutgoingMessage
from models.points import PointLine
from models.programme import FormAnswer, MemberTag, TierLine
from models.purchase import Purchase, PurchaseLine
from models.staff import StaffNote
from models.store import Booking, WaitlistEntry

# What each part shows of a row. Row ids and how we run the house are not theirs; everything about them is.
PARTS: dict[str, tuple[type[Base], tuple[str, ...]]] = {
    "identities": (Identity, ("kind", "value", "created_at", "verified_at")),
    "line": (Friend, ("user_id", "display_name", "is_following", "first_followed_at")),
    "events": (Event, ("kind", "occurred_at", "object", "source", "data")),
    "bookings": (Booking, ("ref", "starts_at", "ends_at", "state", "created_at")),
    "waitlist": (WaitlistEntry, ("state", "created_at")),
    "coupons": (CouponClaim, ("ref", "issued_at", "expires_at", "redeemed_at", "terms")),
    "points": (PointLine, ("points", "reason", "at", "usable_at", "expires_at", "evidence")),
    "access": (AccessLine, ("key", "starts_at", "ends_at", "ended_at")),
    "tiers": (TierLine, ("reason", "at", "until", "evidence")),
    "tags": (MemberTag, ("assigned_at", "expires_at", "removed_at", "evidence")),
    "answers": (FormAnswer, ("submitted_at", "answers")),
    "messages": (OutgoingMessage, ("name", "kind", "state", "created_at", "sent_at", "messages")),
    "notes": (StaffNote, ("kind", "text", "created_at", "closed_at", "closed_words")),
}
OF_MEMBER = (
    "ref", "number", "name", "phone", "email", "birth_date", "gender", "language", "created_at", "registered_at",
    "marketing_consent", "marketing_consent_at", "entry_source", "tier_since", "tier_until", "custom",
)  # fmt: skip


def make(session: Session, member: Member, *, now: datetime) -> dict[str, Any]:
    """By part; times in ISO 8601, money in minor units."""
    copy: dict[str, Any] = {"made_at": now.isoformat(), "member": _row(member, OF_MEMBER)}
    for part, (table, names) in PARTS.items():
        copy[part] = [_row(row, names) for row in _rows(session, table, member)]
    copy["purchases"] = list(_purchases(session, member))
    return copy


def _rows(session: Session, table: type[Base], member: Member) -> list[Base]:
    columns = table.__table__.columns
    return list(session.scalars(select(table).where(columns["member_id"] == member.id).order_by(columns["id"])))


def _purchases(session: Session, member: Member) -> Iterator[dict[str, Any]]:
    query = (
        select(Purchase, PurchaseLine)
        .join(PurchaseLine, isouter=True)
        .where(Purchase.member_id == member.id)
        .order_by(Purchase.id, PurchaseLine.line_no)
    )
    for purchase, line in session.execute(query):
        bought = _row(purchase, ("order_ref", "paid_at", "channel", "net_amount"))
        yield bought | (_row(line, ("sku", "product", "category", "quantity", "amount", "kind")) if line else {})


def _row(row: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value
