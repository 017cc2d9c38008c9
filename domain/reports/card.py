"""The card: what a member sees of themselves. Tier and what is missing to the next, points, purchases, live coupons."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from domain.calendar import calendar_of
from domain.reports.points import balance_of, next_ending
from domain.scores import _standing
from domain.scores.tier import WINDOW
from models.benefit import AccessLine, CouponClaim
from models.member import Member
from models.programme import Tier, the_brand
from models.purchase import Purchase
from models.store import Store

RECENT = 5


@dataclass(frozen=True)
class Progress:
    """Towards a tier: what counts today, what is missing, and the last day on which just that much is enough.

    `by` is None while nothing spent earlier is about to leave the 365 days.
    """

    tier: Tier
    sum: int
    threshold: int
    remaining: int
    by: date | None


@dataclass(frozen=True)
class Points:
    """`balance` may be spent now; `pending` becomes usable later; the next to end are `ending` points on `ends_on`."""

    balance: int
    pending: int
    ending: int = 0
    ends_on: date | None = None


@dataclass(frozen=True)
class Bought:
    order_ref: str
    day: date
    store: str | None
    amount: int


def tier_of(session: Session, member: Member) -> Tier | None:
    """The tier a member stands on; the first one before any was written down."""
    if member.tier_id is not None:
        return session.get(Tier, member.tier_id)
    return session.scalar(select(Tier).order_by(Tier.rank).limit(1))


def towards_next(session: Session, member: Member, *, now: datetime) -> Progress | None:
    """What is missing to the next tier; None at the top, or without tiers."""
    current = tier_of(session, member)
    if current is None:
        return None
    today = calendar_of(session).day_of(now)
    spent, oldest = _counted(session, member, first=today - WINDOW + timedelta(days=1), last=today)
    above = (Tier.rank > current.rank, Tier.threshold > spent, Tier.archived_at.is_(None))
    following = session.scalar(select(Tier).where(*above).order_by(Tier.rank).limit(1))
    if following is None:
        return None
    last_day = oldest + WINDOW - timedelta(days=1) if oldest else None
    return Progress(following, spent, following.threshold, max(0, following.threshold - spent), last_day)


def to_keep(session: Session, member: Member, *, now: datetime) -> Progress | None:
    """What is missing, by the end of the period, to stay on the present tier; None where nothing can be lost."""
    current = tier_of(session, member)
    if current is None or current.rank == 0 or member.tier_until is None:
        return None
    end = member.tier_until
    today = calendar_of(session).day_of(now)
    counted, _ = _counted(session, member, first=end - WINDOW + timedelta(days=1), last=max(today, end))
    return Progress(current, counted, current.threshold, max(0, current.threshold - counted), end)


def points_of(session: Session, member: Member, *, now: datetime) -> Points:
    """What there is to spend, what is on its way, and what ends next."""
    balance = balance_of(session, member.id, now=now)
    ending = next_ending(session, member.id, now=now)
    if ending is None:
        return Points(balance.usable, balance.pending)
    return Points(balance.usable, balance.pending, ending[1], calendar_of(session).day_of(ending[0]))


def access_of(session: Session, member: Member, *, now: datetime) -> list[tuple[str, date | None]]:
    """What a person may enter now, by its key, and until which day (None: without end), renewals counted in."""
    calendar = calendar_of(session)
    lines = session.execute(
        select(AccessLine.key, AccessLine.starts_at, AccessLine.ends_at)
        .where(
            AccessLine.member_id == member.id,
            AccessLine.ended_at.is_(None),
            or_(AccessLine.ends_at.is_(None), AccessLine.ends_at >= now),
        )
        .order_by(AccessLine.key, AccessLine.starts_at)
    ).all()
    runs = {key for key, starts_at, _ in lines if starts_at <= now}
    until = {key: ends_at for key, _, ends_at in lines if key in runs}
    return [(key, calendar.day_of(ends_at) if ends_at else None) for key, ends_at in until.items()]


def recent_purchases(session: Session, member: Member) -> list[Bought]:
    """The latest orders, newest first."""
    query = (
        select(Purchase.order_ref, Purchase.day, Store.name, Purchase.net_amount)
        .outerjoin(Store, Store.id == Purchase.store_id)
        .where(Purchase.member_id == member.id)
        .order_by(Purchase.paid_at.desc(), Purchase.id.desc())
        .limit(RECENT)
    )
    return [Bought(*row) for row in session.execute(query)]


def live_coupons(session: Session, member: Member, *, now: datetime) -> list[CouponClaim]:
    """Coupons in hand that can be used now, the soonest to end first."""
    query = (
        select(CouponClaim)
        .options(joinedload(CouponClaim.coupon))
        .where(
            CouponClaim.member_id == member.id,
            CouponClaim.redeemed_at.is_(None),
            CouponClaim.voided_at.is_(None),
            or_(CouponClaim.expires_at.is_(None), CouponClaim.expires_at >= now),
        )
        .order_by(CouponClaim.expires_at.is_(None), CouponClaim.expires_at, CouponClaim.id)
    )
    return list(session.scalars(query))


def ladder(session: Session) -> list[Tier]:
    """Every tier, the first step first."""
    return list(session.scalars(select(Tier).where(Tier.archived_at.is_(None)).order_by(Tier.rank)))


def _counted(session: Session, member: Member, *, first: date, last: date) -> tuple[int, date | None]:
    """What counts towards tiers of these days, spend or visits, and the oldest of them that does."""
    brand = the_brand(session)
    each = _standing.counting(brand.tiers_by, first, last, currency=brand.currency, only=(member.id,))
    total, oldest = session.execute(select(func.sum(each.c.amount), func.min(each.c.day))).one()
    return int(total or 0), oldest
