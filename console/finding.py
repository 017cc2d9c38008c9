"""Finding one person at the counter: by the code they show, their whole card number or phone. Never by name."""

import re
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import NotFound, Refusal
from domain.operations import naming
from domain.wording import mark
from models.benefit import Coupon, CouponClaim, CouponCode
from models.codes import CLAIM_PREFIX, PREFIX, read_claim_code, read_code
from models.member import Member


def find_at_counter(session: Session, text: str, *, secret: str, now: datetime) -> Member:
    """The record `text` names, joined into another or not. Raises a Refusal that says what to ask the member for."""
    text = text.strip()
    if text.startswith((PREFIX, CLAIM_PREFIX)):
        member_id = _by_code(session, text, secret=secret, now=now)
    else:
        member_id = _by_number(session, text) or _by_pool_code(session, text)
    member = session.get(Member, member_id) if member_id else None
    if member is None or member.erased_at is not None:
        raise NotFound(
            mark("Nobody was found by that. Ask for the code on the card page, the whole card number or phone number.")
        )
    return member


def _by_code(session: Session, code: str, *, secret: str, now: datetime) -> int | None:
    """The card's code names its member; a coupon's, whoever holds the coupon."""
    try:
        if code.startswith(CLAIM_PREFIX):
            claim_ref = read_claim_code(secret, code, now)
            return session.scalar(select(CouponClaim.member_id).where(CouponClaim.ref == claim_ref))
        ref = read_code(secret, code, now)
    except ValueError:
        raise Refusal(
            mark("This code has run out. Ask the member to open the card again and scan the new one."), code="code_over"
        ) from None
    return session.scalar(select(Member.id).where(Member.ref == ref))


def _by_number(session: Session, text: str) -> int | None:
    """Cards and verified phones first; a phone only claimed opens a person when nobody else claims it."""
    if not re.fullmatch(r"\+?[\d０-９][\d０-９\s\-()]{6,20}", text):
        return None
    found = naming.find_records(session, [text]).get(text)
    return found or _by_claimed_phone(session, text)


def _by_pool_code(session: Session, text: str) -> int | None:
    """Whoever holds the coupon with this code made elsewhere, where just one person does."""
    holders = (
        select(CouponClaim.member_id)
        .join(CouponCode, CouponCode.claim_id == CouponClaim.id)
        .where(CouponCode.coupon_id.in_(select(Coupon.id).where(Coupon.has_codes)), CouponCode.code == text)
        .where(CouponClaim.voided_at.is_(None))
    )
    found = session.scalars(holders.distinct().limit(2)).all()
    return found[0] if len(found) == 1 else None


def _by_claimed_phone(session: Session, text: str) -> int | None:
    try:
        number = naming.normal_phone(text, naming.region_of(session))
    except ValueError:
        return None
    living = select(Member.id).where(
        Member.phone == number, Member.erased_at.is_(None), Member.merged_into_id.is_(None)
    )
    claimants = session.scalars(living.limit(2)).all()
    if len(claimants) > 1:
        raise Refusal(
            mark("Several people gave this phone number. Ask for the code on the card page or the whole card number."),
            code="several",
        )
    return claimants[0] if claimants else None
