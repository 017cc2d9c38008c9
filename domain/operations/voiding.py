"""A coupon in somebody's hands is taken back, or given anew under the same terms. Staff only, with a reason."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.benefits import coupon as coupons
from domain.calendar import Calendar, calendar_of
from domain.errors import Conflict, Invalid
from domain.operations import redeeming
from domain.operations.auditing import audit
from domain.wording import mark
from models.benefit import Coupon, CouponClaim, CouponCode
from models.session import insert_for
from models.staff import AuditLine

LONGEST_REASON = 200
VOIDED = "voided_coupon"  # in the audit


def void(
    session: Session, claim_ref: str, *, reason: str, puts_back: bool, staff_id: int | None, now: datetime
) -> CouponClaim:
    """Takes an unused claim back, for good; a void cannot be undone, only replaced (`reissue`).

    `puts_back`: its piece of the stock, and its code, may be given to somebody else; otherwise both are gone.
    Raises Invalid without a reason, Conflict for what was used or taken back before.
    """
    reason = _reason(reason)
    claim = redeeming.find(session, claim_ref)
    unused = (CouponClaim.redeemed_at.is_(None), CouponClaim.voided_at.is_(None))
    taken_back = update(CouponClaim).where(CouponClaim.id == claim.id, *unused)
    statement = taken_back.values(voided_at=now, void_reason=reason).returning(CouponClaim.id)
    if session.execute(statement, execution_options={"synchronize_session": False}).first() is None:
        raise Conflict(
            mark("Nothing changed: this coupon was used or taken back already. Look at it again."), code="not_live"
        )
    _let_code_go(session, claim, puts_back=puts_back, now=now)
    if puts_back:
        one_less = update(Coupon).where(Coupon.id == claim.coupon_id, Coupon.issued > 0)
        session.execute(one_less.values(issued=Coupon.issued - 1), execution_options={"synchronize_session": False})
    _note(session, VOIDED, claim, {"reason": reason, "puts_back": puts_back}, staff_id=staff_id, now=now)
    return redeeming.find(session, claim_ref)


def reissue(session: Session, claim_ref: str, *, reason: str, staff_id: int | None, now: datetime) -> CouponClaim:
    """A new claim in place of this one, under the very terms it was issued under, once.

    What is still live is taken back first, its code burnt. The new one ends when the old one would have; if that
    is over, it is good for as long again. It takes a fresh code where there are codes, and no further stock, unless
    the old one's piece was put back. Raises Conflict for what was used, was replaced before, or when none is left.
    """
    reason = _reason(reason)
    claim = redeeming.find(session, claim_ref)
    if claim.redeemed_at is not None:
        raise Conflict(
            mark("No new coupon was given: this one was used. Give another coupon if it was a mistake."),
            code="already_redeemed",
        )
    if claim.voided_at is None:
        void(session, claim_ref, reason=reason, puts_back=False, staff_id=staff_id, now=now)
    made = _copy(session, claim, calendar_of(session), now=now)
    if made is None:
        raise Conflict(
            mark("No new coupon was given: this one was replaced before. Look at the member's coupons."),
            code="replaced_already",
        )
    coupon = session.get_one(Coupon, claim.coupon_id)
    if coupon.has_codes and coupons.take_code(session, coupon_id=coupon.id, claim_id=made.id) is None:
        raise Conflict(
            mark("No new coupon was given: no code is left. Add codes on the coupon's page and try again."),
            code="sold_out",
        )
    if _was_put_back(session, claim) and not coupons.take_stock(session, coupon):
        raise coupons.sold_out()
    _note(session, "reissued_coupon", claim, {"reason": reason, "new": made.ref}, staff_id=staff_id, now=now)
    return made


def _was_put_back(session: Session, claim: CouponClaim) -> bool:
    """Whether the void of this claim put its piece of the stock back: the audit line of that moment says."""
    line = select(AuditLine.data).where(
        AuditLine.at == claim.voided_at, AuditLine.action == VOIDED, AuditLine.object == f"claim:{claim.ref}"
    )
    return any(data.get("puts_back") for data in session.scalars(line))


def _reason(text: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > LONGEST_REASON:
        raise Invalid(mark("Nothing changed: say in a few words why, so that others can understand it later."))
    return text


def _let_code_go(session: Session, claim: CouponClaim, *, puts_back: bool, now: datetime) -> None:
    of_it = update(CouponCode).where(CouponCode.claim_id == claim.id)
    values = {"claim_id": None} if puts_back else {"voided_at": now}
    session.execute(of_it.values(values), execution_options={"synchronize_session": False})


def _copy(session: Session, claim: CouponClaim, calendar: Calendar, *, now: datetime) -> CouponClaim | None:
    values = {
        "ref": coupons.new_ref(), "coupon_id": claim.coupon_id, "member_id": claim.member_id, "via_id": claim.via_id,
        "cause": f"reissue:{claim.ref}", "terms_version": claim.terms_version, "terms": claim.terms, "issued_at": now,
        "expires_at": _expiry(claim, calendar, now=now), "reissue_of_id": claim.id,
    }  # fmt: skip
    statement = insert_for(session)(CouponClaim).values(values).on_conflict_do_nothing(index_elements=["cause"])
    made: CouponClaim | None = session.scalars(statement.returning(CouponClaim)).first()
    return made


def _expiry(claim: CouponClaim, calendar: Calendar, *, now: datetime) -> datetime | None:
    ends = claim.expires_at
    if ends is None or ends >= now:
        return ends
    days = calendar.day_of(ends) - calendar.day_of(claim.issued_at)
    return calendar.last_second(calendar.day_of(now) + max(days, timedelta()))


def _note(
    session: Session, action: str, claim: CouponClaim, data: dict[str, object], *, staff_id: int | None, now: datetime
) -> None:
    audit(
        session, staff_id=staff_id, action=action, member_id=claim.member_id, object=f"claim:{claim.ref}", data=data,
        now=now,
    )  # fmt: skip
