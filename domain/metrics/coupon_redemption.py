"""Of the coupons that came into members' hands in the month and are used or ended by now, those that were used.

A coupon still open counts on neither side yet, and one that was taken back never does (definitions §10).
A redemption rate is not an effect: who would have bought anyway uses coupons too.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, select

from domain.metrics._people import counts
from domain.metrics._shape import Metric, Period, Rows, first_paragraph
from domain.wording import mark
from models.benefit import Coupon, CouponClaim
from models.member import Member


def is_used(as_of: datetime) -> ColumnElement[bool]:
    return and_(CouponClaim.redeemed_at.is_not(None), CouponClaim.redeemed_at <= as_of)


def is_open(as_of: datetime) -> ColumnElement[bool]:
    """Neither used nor ended by then."""
    return and_(~is_used(as_of), func.coalesce(CouponClaim.expires_at >= as_of, True))


def is_counted(as_of: datetime) -> ColumnElement[bool]:
    """Of somebody who counts, and not taken back by then."""
    return and_(counts(), func.coalesce(CouponClaim.voided_at > as_of, True))


def rows(period: Period) -> Rows:
    as_of = period.as_of
    return (
        select(
            CouponClaim.member_id,
            Coupon.key.label("part"),
            case((is_used(as_of), 1), else_=0).label("hit"),
            case((is_open(as_of), 1), else_=0).label("pending"),
        )
        .join(Coupon, Coupon.id == CouponClaim.coupon_id)
        .join(Member, Member.id == CouponClaim.member_id)
        .where(CouponClaim.issued_at >= period.start, CouponClaim.issued_at < period.last_moment, is_counted(as_of))
    )


METRIC = Metric(
    key="coupon_redemption",
    place=42,
    title=mark("Coupons used"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s coupons of the month that are used or ended were used."),
    trust=mark("It says nothing about effect: who would have bought anyway uses coupons too. See the hold-out."),
    rows=rows,
    rests_on=("coupon_claimed", "coupon_redeemed"),
)
