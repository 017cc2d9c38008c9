"""Short ways to put people and things on the table; each returns the row it made."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.recording import record
from models.benefit import Coupon
from models.channel import the_channel
from models.member import Friend, Identity, Member
from models.programme import Tag
from models.purchase import Purchase
from models.store import Slot, Store
from tests.support.moments import NOW

numbers = count(1)


def make_member(session: Session, *, friend: bool = True, registered: bool = True, **fields: Any) -> Member:
    """A person; by default a registered member who follows us and agreed to marketing."""
    n = next(numbers)
    values: dict[str, Any] = {
        "ref": f"M{n:06d}",
        "name": f"Member {n}",
        "created_at": NOW - timedelta(days=400),
        "registered_at": NOW - timedelta(days=400) if registered else None,
        "marketing_consent": True if registered else None,
        "language": "en",
    }
    member = Member(**{**values, **fields})
    session.add(member)
    session.flush()
    if friend:
        make_friend(session, member)
    return member


def make_friend(session: Session, member: Member, *, following: bool = True, at: datetime | None = None) -> Friend:
    at = at or member.created_at
    user_id = f"U{member.id:032x}"
    row = Friend(
        channel_id=the_channel(session).id, member_id=member.id, user_id=user_id,
        is_following=following, state_at=at, first_followed_at=at,
    )  # fmt: skip
    identity = Identity(member_id=member.id, kind="line", value=user_id, created_at=at, verified_at=at)
    session.add_all([row, identity])
    record(session, "followed", member_id=member.id, source="line", occurred_at=at, now=at)
    session.flush()
    session.refresh(member)
    return row


def make_store(session: Session, **fields: Any) -> Store:
    n = next(numbers)
    store = Store(**{"key": f"store{n}", "name": f"Store {n}", **fields})
    session.add(store)
    session.flush()
    return store


def make_slot(session: Session, store: Store, *, starts_at: datetime, capacity: int = 2) -> Slot:
    slot = Slot(store_id=store.id, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), capacity=capacity)
    session.add(slot)
    session.flush()
    return slot


def make_tag(session: Session, key: str, **fields: Any) -> Tag:
    tag = Tag(**{"key": key, "name": {"en": key}, **fields})
    session.add(tag)
    session.flush()
    return tag


def make_purchase(
    session: Session, member: Member | None, *, paid_at: datetime, amount: int, **fields: Any
) -> Purchase:
    """An order as a bare head, for scores and metrics; lines and refunds go through operations/purchasing."""
    values = {
        "order_ref": f"O{next(numbers)}",
        "member_id": member.id if member else None,
        "paid_at": paid_at,
        "day": calendar_of(session).day_of(paid_at),
        "recorded_at": paid_at,
        "net_amount": amount,
    }
    purchase = Purchase(**{**values, **fields})
    session.add(purchase)
    session.flush()
    return purchase


def make_coupon(session: Session, key: str = "", **fields: Any) -> Coupon:
    """A coupon every member may claim once; good for seven days."""
    values = {"key": key or f"coupon{next(numbers)}", "title": {"en": "NT$ 100 off"}, "value": 100, "valid_days": 7}
    coupon = Coupon(**{**values, **fields})
    session.add(coupon)
    session.flush()
    return coupon
