"""A coupon in the person's hands ends in so many days, is unused, and was issued over 48 hours ago."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import parse_clock
from domain.wording import say
from models.benefit import CouponClaim

SETTLED = timedelta(hours=48)


class Params(triggers.Params):
    days: int = 3
    at: str = "10:00"


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    days, calendar = timedelta(days=params.days), window.calendar
    ending = select(CouponClaim).where(
        CouponClaim.expires_at > window.now,
        CouponClaim.expires_at < calendar.end(calendar.day_of(window.now) + days),
        CouponClaim.issued_at < window.now - SETTLED,
        CouponClaim.redeemed_at.is_(None),
        CouponClaim.voided_at.is_(None),
    )
    found = []
    for claim in session.scalars(ending):
        assert claim.expires_at is not None  # the query asks for it
        at = calendar.at(calendar.day_of(claim.expires_at) - days, parse_clock(params.at))
        if window.since < at <= window.now:
            evidence = {"claim": claim.ref, "expires_at": claim.expires_at.isoformat()}
            found.append(triggers.Entry(claim.member_id, f"claim:{claim.ref}", at, evidence))
    return found


def words(params: Params, language: str) -> str:
    return say(language, "when a coupon of theirs ends in %(n)s days", n=params.days)
