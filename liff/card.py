"""The card: who they are, where they stand, and the code the counter scans."""

from datetime import date, datetime

from apiflask import APIBlueprint

import door
from domain.calendar import calendar_of
from domain.reports import card as report
from domain.reports.tier_words import counted_words
from domain.wording import date_words, lines_of, money_words, pick
from liff import session, symbols
from liff.screens import Shape, api_blueprint
from models.benefit import CouponClaim
from models.codes import make_code, seconds_left
from models.programme import Tier, the_brand

NO_BREAK_SPACE = "\u00a0"
card: APIBlueprint = api_blueprint("card", __name__)


class Amount(Shape):
    """Money: minor units, and as people write it."""

    amount: int
    words: str


class Day(Shape):
    date: date
    words: str


class ProgressOut(Shape):
    tier: str
    sum: Amount
    threshold: Amount
    remaining: Amount
    by: Day | None


class TierOut(Shape):
    key: str
    name: str
    until: Day | None
    benefits: list[str]


class CouponOut(Shape):
    ref: str
    title: str
    until: Day | None


class PurchaseOut(Shape):
    order: str
    day: Day
    store: str | None
    amount: Amount


class PointsOut(Shape):
    """`ending` of them can be used until `ends`, the next to end."""

    balance: int
    pending: int
    ending: int
    ends: Day | None


class AccessOut(Shape):
    """A paid membership or club that runs now."""

    name: str
    until: Day | None


class CodeOut(Shape):
    value: str
    expires_in: int
    qr: str
    barcode: str | None


class CardOut(Shape):
    name: str
    number: str
    brand: str
    logo_url: str | None
    tier: TierOut | None
    next: ProgressOut | None
    keep: ProgressOut | None
    points: PointsOut
    access: list[AccessOut]
    coupons_count: int
    coupons: list[CouponOut]
    purchases: list[PurchaseOut]
    as_of: datetime


class StepOut(Shape):
    key: str
    name: str
    threshold: Amount
    benefits: list[str]
    is_mine: bool


class LadderOut(Shape):
    steps: list[StepOut]
    points: PointsOut
    next: ProgressOut | None
    keep: ProgressOut | None


@card.get("/card")
@card.output(CardOut)
def show_card() -> CardOut:
    """The member's own card."""
    me, db, now = session.member(), door.session(), door.now()
    brand, coupons = the_brand(db), report.live_coupons(db, me, now=now)
    tier = report.tier_of(db, me)
    return CardOut(
        name=me.name or "",
        number=me.number,
        brand=brand.name,
        logo_url=brand.logo_url,
        tier=_tier(tier, me.tier_until) if tier else None,
        next=_progress(report.towards_next(db, me, now=now)),
        keep=_progress(report.to_keep(db, me, now=now)),
        points=_points(report.points_of(db, me, now=now)),
        access=[_access(*each) for each in report.access_of(db, me, now=now)],
        coupons_count=len(coupons),
        coupons=[_coupon(each) for each in coupons],
        purchases=[_purchase(each) for each in report.recent_purchases(db, me)],
        as_of=now,
    )


@card.get("/card/code")
@card.output(CodeOut)
def show_code() -> CodeOut:
    """The code of this half minute."""
    value = make_code(door.service().secret_key, session.member().ref, door.now())
    return CodeOut(
        value=value, expires_in=seconds_left(door.now()), qr=symbols.qr(value), barcode=symbols.barcode(value)
    )


@card.get("/tier")
@card.output(LadderOut)
def show_ladder() -> LadderOut:
    """Every step, what it brings, and where the member stands."""
    me, db, now = session.member(), door.session(), door.now()
    mine = report.tier_of(db, me)
    return LadderOut(
        steps=[_step(tier, is_mine=mine is not None and tier.id == mine.id) for tier in report.ladder(db)],
        points=_points(report.points_of(db, me, now=now)),
        next=_progress(report.towards_next(db, me, now=now)),
        keep=_progress(report.to_keep(db, me, now=now)),
    )


def _step(tier: Tier, *, is_mine: bool) -> StepOut:
    return StepOut(
        key=tier.key,
        name=_tier_name(tier),
        threshold=_towards(tier.threshold),
        benefits=lines_of(tier.benefits, door.language()),
        is_mine=is_mine,
    )


def _tier(tier: Tier, until: date | None) -> TierOut:
    return TierOut(
        key=tier.key, name=_tier_name(tier), until=_day(until), benefits=lines_of(tier.benefits, door.language())
    )


def _tier_name(tier: Tier) -> str:
    return pick(tier.name, door.language()) or tier.key


def _progress(progress: report.Progress | None) -> ProgressOut | None:
    if progress is None:
        return None
    return ProgressOut(
        tier=_tier_name(progress.tier), sum=_towards(progress.sum), threshold=_towards(progress.threshold),
        remaining=_towards(progress.remaining), by=_day(progress.by),
    )  # fmt: skip


def _points(points: report.Points) -> PointsOut:
    return PointsOut(
        balance=points.balance, pending=points.pending, ending=points.ending, ends=_day(points.ends_on)
    )  # fmt: skip


def _access(key: str, until: date | None) -> AccessOut:
    """Its name is a wording of the programme, `access_KEY`; without one, the key."""
    names = the_brand(door.session()).wording.get(f"access_{key}")
    return AccessOut(name=pick(names, door.language()) or key, until=_day(until))


def _coupon(claim: CouponClaim) -> CouponOut:
    ends = calendar_of(door.session()).day_of(claim.expires_at) if claim.expires_at else None
    return CouponOut(
        ref=claim.ref, title=pick(claim.terms.get("title") or claim.coupon.title, door.language()), until=_day(ends)
    )


def _purchase(bought: report.Bought) -> PurchaseOut:
    return PurchaseOut(
        order=bought.order_ref, day=_dated(bought.day), store=bought.store, amount=_amount(bought.amount)
    )  # fmt: skip


def _amount(amount: int) -> Amount:
    words = money_words(door.language(), amount, the_brand(door.session()).currency)
    return Amount(amount=amount, words=words.replace(" ", NO_BREAK_SPACE))


def _towards(amount: int) -> Amount:
    """What counts towards a tier: money, or visits."""
    brand = the_brand(door.session())
    words = counted_words(door.language(), amount, measure=brand.tiers_by, currency=brand.currency)
    return Amount(amount=amount, words=words.replace(" ", NO_BREAK_SPACE))


def _day(day: date | None) -> Day | None:
    return _dated(day) if day else None


def _dated(day: date) -> Day:
    today = calendar_of(door.session()).day_of(door.now())
    return Day(date=day, words=date_words(door.language(), day, today))
