"""What the scan page shows about one person: today's visit, what they have, what the phone says."""

import secrets
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.people import name_of
from domain.calendar import Calendar, calendar_of
from domain.errors import Conflict, Invalid
from domain.money import to_text
from domain.operations import allowing, checkin, noting, redeeming, selling, spending, visiting
from domain.reports import card, care
from domain.wording import lines_of, mark, pick, say
from models.benefit import CouponClaim
from models.member import Friend, Identity, Member
from models.programme import Tier, the_brand
from models.purchase import Purchase
from models.store import Booking, Slot, Store

BIRTHDAY_NEAR = 7


def shown(session: Session, member: Member, store: Store, *, language: str, now: datetime) -> dict[str, Any]:
    """All of it, for the template."""
    calendar = calendar_of(session)
    friend = session.scalar(select(Friend).where(Friend.member_id == member.id))
    tier = session.get(Tier, member.tier_id) if member.tier_id else None
    visit = visiting.visit_today(session, member, store, now=now)
    return {
        "name": name_of(member, friend),
        "tier": tier,
        "tier_lines": lines_of(tier.benefits if tier else None, language),
        "birthday": birthday_words(member, calendar.day_of(now), language),
        "visit": visit,
        "may_undo_visit": visit is not None and now - visit.recorded_at <= visiting.UNDO,
        "bookings": _bookings_today(session, member, store, calendar, now=now),
        "running": _running_slots(session, store, now=now) if member.is_member else [],
        **_coupons(session, member, store, language=language, now=now),
        "unhappy": care.open_for(session, member),
        "used": _just_used(session, member, now=now),
        "sales": (sales := _just_sold(session, member, now=now)),
        "bill": to_text(sales[-1].net_amount, the_brand(session).currency) if sales else "",
        "points": card.points_of(session, member, now=now),
        "points_used": spending.just_used(session, member, now=now),
        "points_once": secrets.token_hex(8),
        "notes": noting.newest(session, member),
        "phone_is_verified": _is_verified(session, member),
    }


def _coupons(session: Session, member: Member, store: Store, *, language: str, now: datetime) -> dict[str, Any]:
    """What they could use, the usable first, and of the others why not here or not today."""
    claims = card.live_coupons(session, member, now=now)
    refused = {
        claim.ref: say(language, refusal.message, **refusal.values)
        for claim in claims
        if (refusal := allowing.why_not(session, claim, store_id=store.id, language=language, now=now))
    }
    return {"claims": sorted(claims, key=lambda claim: claim.ref in refused), "refused": refused}


def birthday_words(member: Member, today: date, language: str) -> str:
    """Something to say when a birthday is near; empty otherwise."""
    if not member.birth_month or not member.birth_day:
        return ""
    days = _days_to_birthday(member.birth_month, member.birth_day, today)
    if days == 0:
        return say(language, "It is their birthday today.")
    if 0 < days <= BIRTHDAY_NEAR:
        return say(language, "Their birthday is in %(n)s days.", n=days)
    if -BIRTHDAY_NEAR <= days < 0:
        return say(language, "Their birthday was %(n)s days ago.", n=-days)
    return ""


def _days_to_birthday(month: int, day: int, today: date) -> int:
    """To the nearest one, behind us or ahead; 29 February is kept on 1 March in other years."""
    near = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            near.append(date(year, month, day))
        except ValueError:
            near.append(date(year, 3, 1))
    return min(((each - today).days for each in near), key=abs)


def _bookings_today(
    session: Session, member: Member, store: Store, calendar: Calendar, *, now: datetime
) -> list[dict[str, Any]]:
    today = calendar.day_of(now)
    rows = session.scalars(
        select(Booking)
        .where(
            Booking.member_id == member.id,
            Booking.store_id == store.id,
            Booking.starts_at >= calendar.start(today),
            Booking.starts_at < calendar.end(today),
            Booking.state.in_(("confirmed", "arrived", "no_show")),
        )
        .order_by(Booking.starts_at)
    )
    return [
        {"booking": row, "may_undo": row.state != "confirmed" and now - row.state_at <= checkin.UNDO} for row in rows
    ]


def _running_slots(session: Session, store: Store, *, now: datetime) -> list[Slot]:
    """Times with a seat that someone who is here now could take."""
    soon = now + timedelta(minutes=45)
    free = Slot.taken + Slot.held < Slot.capacity
    running = select(Slot).where(Slot.store_id == store.id, Slot.starts_at <= soon, Slot.ends_at > now, free)
    return list(session.scalars(running.order_by(Slot.starts_at)))


def running_slot(session: Session, store: Store, slot_id: int, *, now: datetime) -> None:
    """Raises Conflict unless the slot is one of this store's that a walk-in may take."""
    if slot_id not in {slot.id for slot in _running_slots(session, store, now=now)}:
        raise Conflict(mark("No seat is free at that time, so nobody was checked in. Choose another or none."))


def _just_used(session: Session, member: Member, *, now: datetime) -> list[CouponClaim]:
    fresh = select(CouponClaim).where(
        CouponClaim.member_id == member.id, CouponClaim.redeemed_at >= now - redeeming.UNDO
    )
    return list(session.scalars(fresh))


def _just_sold(session: Session, member: Member, *, now: datetime) -> list[Purchase]:
    fresh = select(Purchase).where(
        Purchase.member_id == member.id,
        Purchase.channel == selling.CHANNEL,
        Purchase.recorded_at >= now - selling.UNDO,
        Purchase.net_amount > 0,
    )
    return list(session.scalars(fresh))


def _is_verified(session: Session, member: Member) -> bool:
    verified = select(Identity.id).where(
        Identity.member_id == member.id,
        Identity.kind == "phone",
        Identity.value == (member.phone or ""),
        Identity.verified_at.is_not(None),
    )
    return session.scalar(verified.limit(1)) is not None


def coupon_title(claim: CouponClaim, language: str) -> str:
    """The words it was issued under."""
    return pick(claim.terms.get("title") or claim.coupon.title, language)


def typed_day(text: str) -> date | None:
    """From a date field. Raises Invalid."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(mark("Nothing was saved: the birthday must be a day such as 1990-05-31.")) from None
