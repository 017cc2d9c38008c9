"""Has a coupon.

Ready to use, used, or run out unused; one coupon or any.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, or_

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.wording import mark
from models.benefit import Coupon, CouponClaim

GROUP = "Visits and bookings"
CHOICE_WORDS = {"live": mark("ready to use"), "redeemed": mark("used"), "expired": mark("run out unused")}
SENTENCES = {
    "live": mark("has the coupon %(coupon)s ready to use"),
    "redeemed": mark("used the coupon %(coupon)s"),
    "expired": mark("let the coupon %(coupon)s run out"),
    "any": mark("ever had the coupon %(coupon)s"),
}
ANY = {
    "live": mark("has a coupon ready to use"),
    "redeemed": mark("used a coupon"),
    "expired": mark("let a coupon run out"),
    "any": mark("ever had a coupon"),
}


class Params(Base):
    coupon: str | None = param(mark("Coupon"), None, pick="coupon")
    state: Literal["live", "redeemed", "expired", "any"] = param(mark("State"), "live")


def _such(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    such = [CouponClaim.coupon_id == Coupon.id, CouponClaim.voided_at.is_(None), CouponClaim.issued_at <= context.now]
    if params.coupon:
        such.append(Coupon.key == params.coupon)
    unused = CouponClaim.redeemed_at.is_(None)
    if params.state == "live":
        such += [unused, or_(CouponClaim.expires_at.is_(None), CouponClaim.expires_at >= context.now)]
    if params.state == "redeemed":
        such.append(CouponClaim.redeemed_at.is_not(None))
    if params.state == "expired":
        such += [unused, CouponClaim.expires_at < context.now]
    return such


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, CouponClaim.member_id, *_such(params, context))


def words(params: Params, say: Speaker) -> str:
    if not params.coupon:
        return say(ANY[params.state])
    return say(SENTENCES[params.state], coupon=say.named("coupon", params.coupon))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return rows("coupon", CouponClaim.member_id, Coupon.key, CouponClaim.issued_at).where(*_such(params, context))
