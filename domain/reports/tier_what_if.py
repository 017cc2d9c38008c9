"""Tier what-if: other thresholds, and who would move by them, what that costs, and what it earns them in points (L16).

Nothing is written. Everybody's last 365 days are added up as they stand today, in one query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.money import decimals_of
from domain.scores import _standing
from domain.scores._point_terms import Terms, terms_from
from models.automation import Automation
from models.benefit import Coupon
from models.member import Member
from models.programme import Tier, the_brand


@dataclass(frozen=True)
class Shift:
    """So many people from one tier to another; `counted` is what their last 365 days add up to together."""

    from_tier: Tier
    to_tier: Tier
    people: int
    counted: int


@dataclass(frozen=True)
class Gift:
    """What an automation gives to those who rise. `cost` is in minor units for all; None where nobody said."""

    automation: Automation
    coupon: Coupon | None
    points: int
    people: int
    cost: int | None


@dataclass(frozen=True)
class WhatIf:
    """`rises` on the day it begins; `lapses` at the end of their periods, if they go on as in the last 365 days."""

    rises: list[Shift]
    lapses: list[Shift]
    gifts: list[Gift]
    extra_points: int  # a year, at what they spend today

    @property
    def cost(self) -> int:
        """Of all gifts whose cost is known, in minor units."""
        return sum(gift.cost or 0 for gift in self.gifts)


def what_if(session: Session, thresholds: Mapping[str, int], *, now: datetime) -> WhatIf:
    """What would follow from these thresholds (minor units by tier key; what is not named stays)."""
    tiers = list(session.scalars(select(Tier).order_by(Tier.rank)))
    standing = _everyone(session, tiers, thresholds, now=now)
    groups = session.execute(
        select(
            standing.c.stands, standing.c.before, standing.c.after, func.count(), func.sum(standing.c.counted)
        ).group_by(standing.c.stands, standing.c.before, standing.c.after)
    ).all()
    rises: dict[tuple[int, int], list[int]] = {}
    lapses: dict[tuple[int, int], list[int]] = {}
    for stands, before, after, people, counted in groups:
        into = rises if after > stands else lapses if after < stands <= before else None
        if into is not None:
            sums = into.setdefault((stands, after), [0, 0])
            sums[0], sums[1] = sums[0] + people, sums[1] + int(counted or 0)
    shifts = [
        [Shift(tiers[a], tiers[b], people, counted) for (a, b), (people, counted) in sorted(side.items())]
        for side in (rises, lapses)
    ]
    gifts = _gifts(session, shifts[0])
    return WhatIf(shifts[0], shifts[1], gifts, _extra_points(session, shifts[0], now=now))


def people(
    session: Session, thresholds: Mapping[str, int], *, from_tier: str, to_tier: str, now: datetime
) -> Select[tuple[int]]:
    """Ids of the people behind one shift: the same query as its count."""
    tiers = list(session.scalars(select(Tier).order_by(Tier.rank)))
    rank = {tier.key: tier.rank for tier in tiers}
    stands, after = rank.get(from_tier, -1), rank.get(to_tier, -1)
    standing = _everyone(session, tiers, thresholds, now=now)
    found = and_(standing.c.stands == stands, standing.c.after == after)
    if after < stands:
        found = and_(found, standing.c.before >= stands)
    return select(standing.c.member_id).where(found)


def _everyone(session: Session, tiers: Sequence[Tier], thresholds: Mapping[str, int], *, now: datetime) -> Any:
    """(member_id, counted, stands, before, after): ranks as they stand, as earned today, and by the new ones."""
    brand, today = the_brand(session), calendar_of(session).day_of(now)
    sums = _standing.counted(brand.tiers_by, today, currency=brand.currency)
    counted = func.coalesce(sums.c.counted, 0)
    reachable = [tier for tier in tiers if tier.rank and tier.archived_at is None]
    old = [(tier.rank, tier.threshold) for tier in reachable]
    new = [(tier.rank, thresholds.get(tier.key, tier.threshold)) for tier in reachable]
    return (
        select(
            Member.id.label("member_id"),
            counted.label("counted"),
            func.coalesce(Tier.rank, 0).label("stands"),
            _standing.reached(counted, old).label("before"),
            _standing.reached(counted, new).label("after"),
        )
        .outerjoin(sums, sums.c.member_id == Member.id)
        .outerjoin(Tier, Tier.id == Member.tier_id)
        .where(Member.registered_at.is_not(None), Member.merged_into_id.is_(None), Member.erased_at.is_(None))
        .subquery()
    )


def _gifts(session: Session, rises: Sequence[Shift]) -> list[Gift]:
    """What the automations that are on give for reaching these tiers."""
    coupons = {coupon.key: coupon for coupon in session.scalars(select(Coupon))}
    found = []
    for automation in session.scalars(select(Automation).where(Automation.enabled_at.is_not(None))):
        if automation.trigger.get("on") != "tier_reached":
            continue
        people = sum(shift.people for shift in rises if shift.to_tier.key in automation.trigger["tiers"])
        for action in automation.actions if people else ():
            given = action.get("benefit") or {}
            if "coupon" in given and given["coupon"] in coupons:
                coupon = coupons[given["coupon"]]
                each = _cost(coupon)
                found.append(Gift(automation, coupon, 0, people, None if each is None else each * people))
            elif "points" in given:
                found.append(Gift(automation, None, given["points"], people, _points_cost(session, given, people)))
    return found


def _cost(coupon: Coupon) -> int | None:
    """What one costs the brand: as written, else its value where that is an amount."""
    if coupon.cost is not None:
        return coupon.cost
    return coupon.value if coupon.kind == "amount_off" else None


def _points_cost(session: Session, given: Mapping[str, Any], people: int) -> int | None:
    brand = the_brand(session)
    each = brand.point_cost * 10 ** decimals_of(brand.currency)
    return round(given["points"] * people * each) if brand.point_cost else None


def _extra_points(session: Session, rises: Sequence[Shift], *, now: datetime) -> int:
    """A year's points at today's spend and the new tier's multipliers, less those at the old one's."""
    brand = the_brand(session)
    terms = terms_from(brand.points)
    if terms is None or brand.tiers_by != "spend":
        return 0
    today = calendar_of(session).day_of(now)
    days = [today + timedelta(days=n) for n in range(1, 366)]
    per = terms.per * 10 ** decimals_of(brand.currency)
    usual = {
        tier.key: _usual_times(terms, tier.key, days) for shift in rises for tier in (shift.from_tier, shift.to_tier)
    }
    more: float = sum(
        shift.counted / per * terms.points * (usual[shift.to_tier.key] - usual[shift.from_tier.key]) for shift in rises
    )
    return round(more)


def _usual_times(terms: Terms, tier: str, days: Sequence[Any]) -> float:
    """The multiplier of a tier on average over these days, as if spend came evenly and no other rule held."""
    found = (terms.highest(day, tier, ()) for day in days)
    return sum(each.times if each else 1 for each in found) / len(days)
