"""Using a coupon in the store: once, whoever scans it and how often; taken back within ten minutes."""

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, Gone, NotFound, Refusal
from domain.operations import allowing, recording
from domain.operations.auditing import audit
from domain.operations.recording import record
from domain.wording import mark
from models.benefit import Coupon, CouponClaim
from models.store import Store

UNDO = timedelta(minutes=10)


def redeem(
    session: Session,
    claim_ref: str,
    *,
    staff_id: int | None,
    store_id: int | None,
    order_ref: str | None = None,
    amount: int | None = None,
    language: str | None = None,
    now: datetime,
) -> CouponClaim:
    """Marks the claim used. One conditional write decides between simultaneous scanners; the others are refused.

    `amount` is the bill in minor units, needed where the terms ask for a least spend and `order_ref` names no
    recorded order. Raises the Refusal that says, in `language`, why it may not be used and what to do.
    """
    claim = find(session, claim_ref)
    if claim.is_live(now):
        by_terms = allowing.why_not(session, claim, store_id=store_id, language=language, now=now)
        refusal = by_terms or allowing.spend_refusal(
            session, claim, amount=amount, order_ref=order_ref, language=language
        )
        if refusal is not None:
            raise refusal
    live = update(CouponClaim).where(
        CouponClaim.ref == claim_ref,
        CouponClaim.redeemed_at.is_(None),
        CouponClaim.voided_at.is_(None),
        or_(CouponClaim.expires_at.is_(None), CouponClaim.expires_at >= now),
    )
    used = live.values(redeemed_at=now, redeemed_by_id=staff_id, store_id=store_id, order_ref=order_ref)
    won = session.execute(used.returning(CouponClaim.id), execution_options={"synchronize_session": False}).first()
    claim = find(session, claim_ref)
    if won is None:
        raise _why_not(session, claim, now=now)
    _record(session, claim, now=now)
    _note(session, "redeemed_coupon", claim, staff_id=staff_id, now=now)
    return claim


def _record(session: Session, claim: CouponClaim, *, now: datetime) -> None:
    coupon = session.get_one(Coupon, claim.coupon_id)
    record(
        session, "coupon_redeemed", member_id=claim.member_id, source="staff", object=f"coupon:{coupon.key}",
        data={"claim": claim.ref, "order_id": claim.order_ref}, dedupe_key=_occasion("coupon_redeemed", claim), now=now,
    )  # fmt: skip
    store = session.get(Store, claim.store_id) if claim.store_id else None
    record(
        session, "visited", member_id=claim.member_id, source="staff", object=f"store:{store.key}" if store else None,
        data={"store": store.key if store else None, "how": "redemption"},
        dedupe_key=_occasion("visited:redemption", claim), now=now,
    )  # fmt: skip


def _occasion(kind: str, claim: CouponClaim) -> str:
    """Names this use of the claim: after an undo, using it again is another occasion."""
    assert claim.redeemed_at is not None
    return f"{kind}:{claim.ref}:{claim.redeemed_at.isoformat()}"


def undo(session: Session, claim_ref: str, *, staff_id: int | None, now: datetime) -> CouponClaim:
    """Takes a use back within ten minutes, as if it had not been; the audit keeps both."""
    claim = find(session, claim_ref)
    at = claim.redeemed_at
    if at is None:
        return claim
    if now - at > UNDO:
        raise Conflict(
            mark("This was used more than ten minutes ago, so it stays used. Give a new coupon if it was a mistake."),
            code="too_late",
        )
    occasions = [_occasion("coupon_redeemed", claim), _occasion("visited:redemption", claim)]
    taken_back = (
        update(CouponClaim)
        .where(CouponClaim.id == claim.id, CouponClaim.redeemed_at == at)
        .values(redeemed_at=None, redeemed_by_id=None, store_id=None, order_ref=None)
        .returning(CouponClaim.id)
    )
    won = session.execute(taken_back, execution_options={"synchronize_session": False}).first()
    if won is not None:
        recording.unrecord(session, occasions)
        _note(session, "undid_redeeming", claim, staff_id=staff_id, now=now)
    return find(session, claim_ref)


def _note(session: Session, action: str, claim: CouponClaim, *, staff_id: int | None, now: datetime) -> None:
    audit(session, staff_id=staff_id, action=action, member_id=claim.member_id, object=f"claim:{claim.ref}", now=now)


def find(session: Session, claim_ref: str) -> CouponClaim:
    """The claim as it is now. Raises NotFound."""
    found = select(CouponClaim).where(CouponClaim.ref == claim_ref).execution_options(populate_existing=True)
    claim = session.scalar(found)
    if claim is None:
        raise NotFound(mark("No coupon has this code. Ask the member to open it again."), code="claim_not_found")
    return claim


def _why_not(session: Session, claim: CouponClaim, *, now: datetime) -> Refusal:
    if claim.redeemed_at is not None:
        return _used(session, claim)
    if claim.voided_at is not None:
        return Gone(mark("This coupon was withdrawn and cannot be used. See what else the member has."), code="voided")
    return Gone(mark("This coupon has expired and cannot be used. See what else the member has."), code="expired")


def _used(session: Session, claim: CouponClaim) -> Refusal:
    assert claim.redeemed_at is not None
    time = claim.redeemed_at.astimezone(calendar_of(session).zone).strftime("%m/%d %H:%M")
    store = session.get(Store, claim.store_id) if claim.store_id else None
    if store is not None:
        words = mark(
            "This coupon was used on %(time)s at %(store)s and cannot be used again. See what else the member has."
        )
        return Conflict(words, code="already_redeemed", time=time, store=store.name)
    words = mark("This coupon was used on %(time)s and cannot be used again. See what else the member has.")
    return Conflict(words, code="already_redeemed", time=time)
