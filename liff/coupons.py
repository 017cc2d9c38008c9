"""Coupons: what I can claim and why not the others, what I have, what is behind me, and the code to show."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import joinedload

import door
from domain.benefits.coupon import terms_of
from domain.calendar import Calendar, calendar_of
from domain.errors import Gone, NotFound
from domain.messages import _coupon_words as coupon_words
from domain.operations import claiming, coupon_codes
from domain.wording import day_words, mark, money_words, pick
from liff import session, symbols
from liff.screens import Shape, api_blueprint
from liff.starts import note_starts
from models.benefit import CouponClaim
from models.codes import make_claim_code, seconds_left
from models.programme import the_brand

coupons = api_blueprint("coupons", __name__)

BEHIND_SHOWN = 20


class CouponTerms(Shape):
    title: str
    terms: str
    gives: str = Field(description="What it gives, in words, such as NT$ 100 off")
    min_spend: str | None
    limits: list[str] = Field(description="When and where it may be used, one line each; empty when anywhere any day")


class OfferShape(Shape):
    id: str
    coupon: CouponTerms
    claimable: bool
    why_not: str | None
    code: str | None
    until: str | None
    left: int | None = Field(description="How many are left, when few")


class ClaimShape(Shape):
    id: str
    coupon_id: str
    coupon: CouponTerms
    state: Literal["ready", "used", "expired", "withdrawn"]
    until: str | None
    used_on: str | None


class MyCoupons(Shape):
    offers: list[OfferShape]
    ready: list[ClaimShape]
    used: list[ClaimShape]
    expired: list[ClaimShape]


class CouponCode(Shape):
    value: str
    expires_in: int = Field(description="Seconds until the next code; 0 for a code that stays")
    text: str | None = Field(description="The code to read aloud or type, where it was made elsewhere")
    qr: str
    barcode: str | None


class CouponsQuery(Shape):
    coupon: str | None = Field(
        None, max_length=64, pattern=r"^[\w.-]+$", description="The one coupon this page was opened for"
    )


FEW = 20


@coupons.get("/coupons")
@coupons.input(CouponsQuery, location="query")
@coupons.output(MyCoupons)
def mine(query_data: CouponsQuery) -> MyCoupons:
    """Coupons you can claim, others with why not, and yours: ready, used and expired."""
    member, now, language = session.member(), door.now(), door.language()
    calendar = calendar_of(door.session())
    offers = claiming.offers(door.session(), member, language=language, now=now)
    open_now = [f"coupon:{offer.coupon.key}" for offer in offers if offer.refusal is None]
    opened = [each for each in open_now if query_data.coupon in (None, each.removeprefix("coupon:"))]
    note_starts(member, type="coupon_claim", objects=opened)
    claims = [_claim_shape(each, calendar, now) for each in _claims(member.id)]
    behind = {state: [each for each in claims if each.state == state] for state in ("ready", "used", "expired")}
    return MyCoupons(
        offers=[_offer_shape(offer, calendar) for offer in offers], ready=behind["ready"],
        used=behind["used"][:BEHIND_SHOWN], expired=behind["expired"][:BEHIND_SHOWN],
    )  # fmt: skip


@coupons.post("/coupons/<key>/claims")
@coupons.output(ClaimShape, status_code=201)
def claim(key: str) -> ClaimShape:
    """Claim a coupon. Asking again while it is unused answers the same claim."""
    made = claiming.claim(
        door.session(), session.member(), key, trace=session.trace(), language=door.language(), now=door.now()
    )
    door.session().commit()
    return _claim_shape(made, calendar_of(door.session()), door.now())


@coupons.get("/claims/<ref>/code")
@coupons.output(CouponCode)
def code(ref: str) -> CouponCode:
    """The code to show at the counter: signed, for this coupon only, and good for a minute.

    Of a coupon with codes made elsewhere it is the claim's own code, which stays.
    """
    member = session.member()
    found = door.session().scalar(select(CouponClaim).where(CouponClaim.ref == ref, CouponClaim.member_id == member.id))
    if found is None:
        raise NotFound(mark("We cannot find this coupon. Yours are listed under Coupons."), code="claim_not_found")
    if not found.is_live(door.now()):
        raise Gone(
            mark("This coupon is used or over, so there is no code to show. See your other coupons."), code="not_live"
        )
    fixed = coupon_codes.codes_of(door.session(), [found.id]).get(found.id)
    value = fixed or make_claim_code(door.service().secret_key, found.ref, door.now())
    return CouponCode(
        value=value, expires_in=0 if fixed else seconds_left(door.now()), text=fixed, qr=symbols.qr(value),
        barcode=symbols.barcode(value),
    )  # fmt: skip


def _claims(member_id: int) -> Sequence[CouponClaim]:
    own = select(CouponClaim).where(CouponClaim.member_id == member_id, CouponClaim.voided_at.is_(None))
    own = own.options(joinedload(CouponClaim.coupon))
    return door.session().scalars(own.order_by(CouponClaim.expires_at, CouponClaim.id)).all()


def _offer_shape(offer: claiming.Offer, calendar: Calendar) -> OfferShape:
    coupon, refusal = offer.coupon, offer.refusal
    left = None if coupon.stock is None else max(0, coupon.stock - coupon.issued)
    return OfferShape(
        id=coupon.key, coupon=_terms(terms_of(coupon)), claimable=refusal is None,
        why_not=door.words(refusal.message, **refusal.values) if refusal else None,
        code=refusal.code if refusal else None, until=_day(coupon.claim_until or coupon.use_until, calendar),
        left=left if left is not None and left <= FEW else None,
    )  # fmt: skip


def _claim_shape(claim: CouponClaim, calendar: Calendar, now: datetime) -> ClaimShape:
    return ClaimShape(
        id=claim.ref, coupon_id=claim.coupon.key, coupon=_terms(claim.terms), state=_state(claim, now),
        until=_day(claim.expires_at, calendar), used_on=_day(claim.redeemed_at, calendar),
    )  # fmt: skip


def _state(claim: CouponClaim, now: datetime) -> Literal["ready", "used", "expired", "withdrawn"]:
    if claim.redeemed_at is not None:
        return "used"
    if claim.voided_at is not None:
        return "withdrawn"
    return "expired" if claim.is_expired(now) else "ready"


def _terms(terms: dict[str, Any]) -> CouponTerms:
    language, currency = door.language(), the_brand(door.session()).currency
    least = int(terms.get("min_spend") or 0)
    gives = _gives(terms, language, currency)
    return CouponTerms(
        title=pick(terms.get("title"), language) or gives, terms=pick(terms.get("terms"), language), gives=gives,
        min_spend=money_words(language, least, currency) if least else None,
        limits=coupon_words.limits(door.session(), terms, calendar_of(door.session()), language, now=door.now()),
    )  # fmt: skip


def _gives(terms: dict[str, Any], language: str, currency: str) -> str:
    value = int(terms.get("value") or 0)
    if terms.get("kind") == "percent_off":
        return door.words("%(percent)s %% off", percent=value)
    if terms.get("kind") == "amount_off":
        return door.words("%(amount)s off", amount=money_words(language, value, currency))
    return door.words("A gift")


def _day(moment: datetime | None, calendar: Calendar) -> str | None:
    return day_words(door.language(), calendar.day_of(moment)) if moment else None
