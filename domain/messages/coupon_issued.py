"""Coupon issued: what it gives, until when, and one button that opens it."""

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.messages._parts import Rendered, bubble, flex, language_for, link_button
from domain.wording import day_words, pick, say
from models.benefit import CouponClaim
from models.channel import the_channel
from models.member import Member
from models.programme import the_brand


def render(session: Session, member: Member, claim: CouponClaim) -> Rendered:
    brand = the_brand(session)
    language = language_for(brand, member)
    title = pick(claim.terms.get("title"), language)
    lines = [pick(claim.terms.get("terms"), language), _until(session, language, claim)]
    button = link_button(
        say(language, "Open my coupon"), the_channel(session).liff_url("/coupons"), colour=brand.colour
    )
    heading = say(language, "A coupon for you")
    shown = bubble(title or heading, [line for line in lines if line], buttons=[button])
    return Rendered("coupon_issued", [flex(f"{heading}: {title}" if title else heading, shown)])


def _until(session: Session, language: str, claim: CouponClaim) -> str:
    if claim.expires_at is None:
        return ""
    day = day_words(language, calendar_of(session).day_of(claim.expires_at))
    return say(language, "Good until %(day)s", day=day)
