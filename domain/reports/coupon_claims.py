"""The claims of one coupon, one by one: whose, under which version, with which code, and what became of each."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from domain.wording import mark
from models.benefit import Coupon, CouponClaim, CouponCode
from models.member import Friend, Member

PAGE = 50
STATES = {
    "used": mark("used"),
    "voided": mark("taken back"),
    "ended": mark("ended unused"),
    "open": mark("ready to use"),
}


@dataclass(frozen=True)
class Claim:
    """One line: the claim, its person, its code where there are codes, and the ref of what replaced it."""

    claim: CouponClaim
    ref: str
    name: str | None
    code: str | None
    replaced_by: str | None
    state: str

    @property
    def may_void(self) -> bool:
        return self.state == "open"

    @property
    def may_reissue(self) -> bool:
        """Anything unused that was not replaced already."""
        return self.state != "used" and self.replaced_by is None


def page(session: Session, coupon: Coupon, *, asked: str = "", before: int | None = None, now: datetime) -> list[Claim]:
    """The newest first, before the claim of that id; `asked` is a name's beginning, a claim's ref or a code."""
    later = aliased(CouponClaim)
    query = (
        select(CouponClaim, Member, Friend.display_name, CouponCode.code, later.ref)
        .join(Member, Member.id == CouponClaim.member_id)
        .outerjoin(Friend, Friend.member_id == Member.id)
        .outerjoin(CouponCode, CouponCode.claim_id == CouponClaim.id)
        .outerjoin(later, later.reissue_of_id == CouponClaim.id)
        .where(CouponClaim.coupon_id == coupon.id)
    )
    if before is not None:
        query = query.where(CouponClaim.id < before)
    if asked:
        begins = Member.name.istartswith(asked, autoescape=True)
        query = query.where(or_(begins, CouponClaim.ref == asked.upper(), CouponCode.code == asked))
    rows = session.execute(query.order_by(CouponClaim.id.desc()).limit(PAGE))
    return [
        Claim(claim, member.ref, member.name or name, code, replaced_by, _state(claim, now))
        for claim, member, name, code, replaced_by in rows
    ]


def _state(claim: CouponClaim, now: datetime) -> str:
    if claim.redeemed_at is not None:
        return "used"
    if claim.voided_at is not None:
        return "voided"
    return "ended" if claim.is_expired(now) else "open"
