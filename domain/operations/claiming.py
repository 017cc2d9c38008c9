"""Claiming a coupon: who may, why not, and the one claim. Stock is never oversold."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.benefits.coupon import sold_out
from domain.calendar import calendar_of
from domain.errors import Conflict, Gone, NotAllowed, NotFound, Refusal
from domain.messages._parts import language_for
from domain.operations import converting, granting
from domain.operations.converting import NOWHERE, Trace
from domain.operations.recording import record
from domain.rules import context_of, holds_for, names_of, sentence
from domain.wording import mark, moment_words
from models.benefit import Coupon, CouponClaim, CouponCode
from models.member import Member
from models.programme import the_brand


@dataclass(frozen=True)
class Offer:
    """A coupon as one person sees it. `refusal` says why it cannot be claimed now; None when it can."""

    coupon: Coupon
    refusal: Refusal | None


def claim(
    session: Session,
    member: Member,
    coupon_key: str,
    *,
    trace: Trace = NOWHERE,
    source: str = "liff",
    language: str | None = None,
    now: datetime,
) -> CouponClaim:
    """Puts the coupon in the member's hands; asking again while it is unused answers the same claim.

    Raises the Refusal that says why not, in `language` (the member's own unless said).
    """
    coupon = session.scalar(select(Coupon).where(Coupon.key == coupon_key))
    if coupon is None or not coupon.claimable:
        raise NotFound(mark("There is no such coupon. See what else there is."), code="coupon_not_found")
    mine = _claims(session, member, [coupon])[coupon.id]
    unused = next((each for each in mine if each.is_live(now)), None)
    if unused is not None:
        return unused
    refusal = why_not(session, member, coupon, mine, language=language, now=now)
    if refusal is not None:
        raise refusal
    return _take(session, member, coupon, n=len(mine) + 1, source=source, trace=trace, now=now)


def _take(
    session: Session, member: Member, coupon: Coupon, *, n: int, source: str, trace: Trace, now: datetime
) -> CouponClaim:
    cause = f"claim:{coupon.key}:{member.ref}:{n}"
    given = granting.grant(
        session, member_id=member.id, benefit={"coupon": coupon.key}, cause=cause, now=now,
        also=lambda claim: _note(session, member, claim, source=source, trace=trace, now=now),
    )  # fmt: skip
    if given is None:
        known = session.scalars(select(CouponClaim).where(CouponClaim.cause == cause)).one()
        if known.member_id == member.id and known.is_live(now):
            return known  # the same person's other tap was first
        if len(_claims(session, member, [coupon])[coupon.id]) >= coupon.per_person:
            raise _had_already()  # their other tap was first, and what it brought is used already
        # Claimed while two records were one, and parted since: this is another.
        return _take(session, member, coupon, n=n + 1, source=source, trace=trace, now=now)
    assert isinstance(given, CouponClaim)
    return given


def _note(session: Session, member: Member, claim: CouponClaim, *, source: str, trace: Trace, now: datetime) -> None:
    """What a claim is in the person's history; before the stock's row is taken, which others wait for."""
    object = f"coupon:{claim.coupon.key}"
    record(
        session, "coupon_claimed", member_id=member.id, source=source, object=object,
        campaign_id=trace.campaign_id, message_id=trace.message_id, data={"claim": claim.ref},
        dedupe_key=f"coupon_claimed:{claim.ref}", now=now,
    )  # fmt: skip
    converting.complete(
        session, member_id=member.id, type="coupon_claim", object=object, source=source,
        once=f"coupon:{claim.ref}", trace=trace, data={"claim": claim.ref}, now=now,
    )  # fmt: skip


def offers(session: Session, member: Member, *, language: str | None = None, now: datetime) -> list[Offer]:
    """Every coupon the member could come to claim, the claimable first; each other one with its why-not."""
    coupons = session.scalars(
        select(Coupon).where(Coupon.claimable, Coupon.archived_at.is_(None)).order_by(Coupon.id)
    ).all()
    mine = _claims(session, member, coupons)
    seen = [
        Offer(coupon, why_not(session, member, coupon, mine[coupon.id], language=language, now=now))
        for coupon in coupons
        if not any(claim.is_live(now) for claim in mine[coupon.id])
    ]
    # What has ended or was had as often as allowed is no news to anyone.
    shown = [each for each in seen if each.refusal is None or each.refusal.code not in ("coupon_ended", "had_already")]
    return sorted(shown, key=lambda each: each.refusal is not None)


def why_not(
    session: Session,
    member: Member,
    coupon: Coupon,
    mine: Sequence[CouponClaim],
    *,
    language: str | None = None,
    now: datetime,
) -> Refusal | None:
    """The first reason that stands in the way, in words; None when the member may claim."""
    if not member.is_member:
        return NotAllowed(
            mark("Seats and coupons are for members, and this card is not made yet. Make it first: it takes a minute."),
            code="not_registered",
        )
    language = language or language_for(the_brand(session), member)
    not_now = _not_now(session, member, coupon, language, now=now)
    return not_now or _not_you(session, member, coupon, mine, language, now=now)


def _not_now(session: Session, member: Member, coupon: Coupon, language: str, *, now: datetime) -> Refusal | None:
    if coupon.archived_at is not None or _is_over(coupon, now):
        return Gone(
            mark("This coupon has ended and can no longer be had. See what else there is."), code="coupon_ended"
        )
    opens = _opens_at(session, member, coupon, now=now)
    if opens is not None and now < opens:
        return Conflict(
            mark("This coupon cannot be claimed yet. It opens %(moment)s: come back then."),
            code="not_yet",
            moment=moment_words(language, opens, calendar_of(session).zone),
        )
    return sold_out() if _is_sold_out(session, coupon) else None


def _opens_at(session: Session, member: Member, coupon: Coupon, *, now: datetime) -> datetime | None:
    """When claiming opens for this person: some are let in sooner (M68)."""
    opens = coupon.claim_from
    if opens is None or opens <= now:
        return opens
    context = context_of(session, now)
    hours = (each["hours"] for each in coupon.early if holds_for(session, each["rule"], member.id, context))
    return opens - timedelta(hours=max(hours, default=0))


def _is_sold_out(session: Session, coupon: Coupon) -> bool:
    if coupon.stock is not None and coupon.issued >= coupon.stock:
        return True
    return coupon.has_codes and not codes_left(session, coupon)


def codes_left(session: Session, coupon: Coupon) -> bool:
    """Whether the pool has a free code."""
    free = select(CouponCode.id).where(
        CouponCode.coupon_id == coupon.id, CouponCode.claim_id.is_(None), CouponCode.voided_at.is_(None)
    )
    return session.scalar(free.limit(1)) is not None


def _is_over(coupon: Coupon, now: datetime) -> bool:
    return any(end is not None and end < now for end in (coupon.claim_until, coupon.use_until))


def _not_you(
    session: Session, member: Member, coupon: Coupon, mine: Sequence[CouponClaim], language: str, *, now: datetime
) -> Refusal | None:
    if len(mine) >= coupon.per_person:
        return _had_already()
    if coupon.rule and not holds_for(session, coupon.rule, member.id, context_of(session, now)):
        return NotAllowed(
            mark("This coupon is not yours to claim yet. It is for members who: %(rule)s. It opens once that is so."),
            code="not_eligible",
            rule=sentence(coupon.rule, language, names_of(session, language)),
        )
    return None


def _had_already() -> Conflict:
    return Conflict(
        mark("You have had this coupon already, and it is given once. See what else there is."), code="had_already"
    )


def _claims(session: Session, member: Member, coupons: Sequence[Coupon]) -> dict[int, list[CouponClaim]]:
    """What the member has claimed themselves, by coupon; what was given to them counts apart."""
    found: dict[int, list[CouponClaim]] = defaultdict(list)
    own = select(CouponClaim).where(
        CouponClaim.member_id == member.id,
        CouponClaim.coupon_id.in_([coupon.id for coupon in coupons]),
        CouponClaim.cause.startswith("claim:", autoescape=True),
    )
    for each in session.scalars(own.order_by(CouponClaim.id)):
        found[each.coupon_id].append(each)
    return found
