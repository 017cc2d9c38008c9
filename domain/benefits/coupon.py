"""A coupon in the person's hands, under its terms of today: editing the coupon later changes nobody's terms.

Of a coupon with codes made elsewhere each claim takes one of the pool, which no other claim has.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from domain.calendar import Calendar, calendar_of
from domain.errors import Conflict, Gone, NotFound
from domain.wording import mark
from models.benefit import Coupon, CouponClaim, CouponCode
from models.merge import via_of
from models.session import insert_for


def wrong(value: Any, keys: Callable[[str], set[str]]) -> str | None:
    """What a programme file's value for this kind is wrong about; `keys(section)` are those of the file."""
    return None if value in keys("coupons") else f"there is no coupon {value!r}"


def give(
    session: Session,
    *,
    member_id: int,
    value: str,
    cause: str,
    also: Callable[[CouponClaim], None] | None = None,
    now: datetime,
) -> CouponClaim | None:
    """`value` is the coupon's key. None when given before for this cause; raises Conflict when none is left.

    The claim is written first, then whatever `also` has to write about it and its code; the stock is counted
    last, so that a wanted coupon's row is held only from there to the commit.
    """
    coupon = _the_coupon(session, value)
    ends = expiry(coupon, calendar_of(session), now=now)
    if ends is not None and ends < now:
        raise ended()
    # A savepoint: when stock has run out, the claim written a moment ago goes too.
    with session.begin_nested():
        claim = _write(session, coupon, member_id=member_id, cause=cause, now=now)
        if claim is not None:
            if also is not None:
                also(claim)
            if coupon.has_codes and take_code(session, coupon_id=coupon.id, claim_id=claim.id) is None:
                raise sold_out()
            if not take_stock(session, coupon):
                raise sold_out()
    return claim


def sold_out() -> Conflict:
    return Conflict(
        mark("The last of these coupons has just gone, so this one is not yours. See what else there is."),
        code="sold_out",
    )


def ended() -> Gone:
    return Gone(mark("This coupon has ended and can no longer be had. See what else there is."), code="coupon_ended")


def expiry(coupon: Coupon, calendar: Calendar, *, now: datetime) -> datetime | None:
    """23:59:59 local, `valid_days` after the day it is issued, or of `use_from` when that is later.

    Never past `use_until`, nor its month if it says so.
    """
    ends = [coupon.use_until] if coupon.use_until else []
    if coupon.valid_days is not None:
        begins = max(now, coupon.use_from or now)
        ends.append(calendar.last_second(calendar.day_of(begins) + timedelta(days=coupon.valid_days)))
    if coupon.valid_to == "month_end":
        ends.append(calendar.last_second(calendar.month_of(now).last))
    return min(ends, default=None)


def terms_of(coupon: Coupon) -> dict[str, Any]:
    """What a claim keeps of the coupon: its words, what it gives, and when, where and by whom it may be used."""
    return {
        "title": coupon.title, "terms": coupon.terms, "kind": coupon.kind,
        "value": coupon.value, "min_spend": coupon.min_spend,
        "use_from": coupon.use_from.isoformat() if coupon.use_from else None,
        "weekdays": coupon.weekdays or [], "stores": coupon.stores or [], "use_rule": coupon.use_rule,
    }  # fmt: skip


def take_code(session: Session, *, coupon_id: int, claim_id: int) -> str | None:
    """The next free code of the pool, for this claim alone, whoever takes at the same time; None when none is left."""
    free = select(CouponCode.id).where(
        CouponCode.coupon_id == coupon_id, CouponCode.claim_id.is_(None), CouponCode.voided_at.is_(None)
    )
    next_one = free.order_by(CouponCode.id).limit(1).with_for_update(skip_locked=True).scalar_subquery()
    taken = update(CouponCode).where(CouponCode.id == next_one).values(claim_id=claim_id).returning(CouponCode.code)
    code: str | None = session.scalar(taken, execution_options={"synchronize_session": False})
    return code


def _the_coupon(session: Session, key: str) -> Coupon:
    coupon = session.scalar(select(Coupon).where(Coupon.key == key))
    if coupon is None:
        raise NotFound(mark("There is no such coupon. See what else there is."), code="coupon_not_found")
    if coupon.archived_at is not None:
        raise ended()
    return coupon


def _write(session: Session, coupon: Coupon, *, member_id: int, cause: str, now: datetime) -> CouponClaim | None:
    values = {
        "ref": new_ref(),
        "coupon_id": coupon.id,
        "member_id": member_id,
        "via_id": via_of(session, member_id),
        "cause": cause,
        "terms_version": coupon.terms_version,
        "terms": terms_of(coupon),
        "issued_at": now,
        "expires_at": expiry(coupon, calendar_of(session), now=now),
    }
    statement = insert_for(session)(CouponClaim).values(values).on_conflict_do_nothing(index_elements=["cause"])
    made: CouponClaim | None = session.scalars(statement.returning(CouponClaim)).first()
    return made


def new_ref() -> str:
    """Short, so that a barcode of it fits a phone, and readable aloud; what protects it is the code's signature."""
    return "C" + "".join(secrets.choice("23456789ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(10))


def take_stock(session: Session, coupon: Coupon) -> bool:
    """One piece of the stock, in one conditional write: it is never oversold. False when none is left."""
    left = update(Coupon).where(Coupon.id == coupon.id, or_(Coupon.stock.is_(None), Coupon.issued < Coupon.stock))
    statement = left.values(issued=Coupon.issued + 1).returning(Coupon.id)
    return session.execute(statement, execution_options={"synchronize_session": False}).first() is not None
