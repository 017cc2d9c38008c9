"""What each tier brought in a month: members, buyers, orders, revenue, visits and parts taken (features M13, M32)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, distinct, func, select
from sqlalchemy.orm import Session

from domain.metrics._people import is_member, of_the_public
from domain.metrics._shape import Period, Rows
from domain.metrics._tiers import in_use, ranks_at
from models.event import Event
from models.member import Member
from models.programme import Tier
from models.purchase import Purchase

NOBODY_KNOWN = "-"  # orders of buyers who are no member


@dataclass(frozen=True)
class Worth:
    """A tier's month. Money in minor units; `bought_again`: buyers on at least two days of it."""

    members: int = 0
    buyers: int = 0
    bought_again: int = 0
    orders: int = 0
    revenue: int = 0
    visitors: int = 0
    took_part: int = 0


def worth(session: Session, period: Period) -> dict[str, Worth]:
    """By tier key as people stood at the month's end, lowest first; NOBODY_KNOWN last."""
    standing = _standing(period)
    members = _by_tier(session, select(standing.c.tier, func.count()).group_by(standing.c.tier))
    bought = _by_tier(session, _bought(period, standing))
    visitors, parts = (_by_tier(session, _did(period, standing, kind)) for kind in ("visited", "participated"))
    tiers = session.execute(select(Tier.key, in_use(period.last_moment)).order_by(Tier.rank))
    keys = [*(key for key, is_in_use in tiers if is_in_use or key in members), NOBODY_KNOWN]
    found = {}
    for key in keys:
        buyers, again, orders, revenue = bought.get(key, (0, 0, 0, 0))
        counted = [rows.get(key, (0,))[0] for rows in (members, visitors, parts)]
        found[key] = Worth(counted[0], buyers, again, orders, revenue, counted[1], counted[2])
    return found


def _standing(period: Period) -> Subquery:
    """(member_id, tier) of all members at the month's end; who is in no ledger stands on the first."""
    ranks = ranks_at(period.last_moment).subquery("ranks")
    first = select(Tier.key).order_by(Tier.rank).limit(1).scalar_subquery()
    return (
        select(Member.id.label("member_id"), func.coalesce(ranks.c.key, first).label("tier"))
        .outerjoin(ranks, ranks.c.member_id == Member.id)
        .where(is_member(period.last_moment))
        .subquery("standing")
    )


def _orders(period: Period) -> ColumnElement[bool]:
    return and_(
        Purchase.net_amount > 0,
        of_the_public(),
        Purchase.day.between(period.month.first, period.month.last),
        Purchase.recorded_at <= period.as_of,
    )


def _bought(period: Period, standing: Subquery) -> Rows:
    """(tier, buyers, bought again, orders, revenue)."""
    each = (
        select(
            Purchase.member_id,
            func.count(distinct(Purchase.day)).label("days"),
            func.count().label("orders"),
            func.sum(Purchase.net_amount).label("revenue"),
        )
        .where(_orders(period))
        .group_by(Purchase.member_id)
        .subquery("buyers")
    )
    tier = func.coalesce(standing.c.tier, NOBODY_KNOWN)
    known = func.count(standing.c.member_id)
    again = func.sum(func.coalesce(_more_than_one(each, standing), 0))
    return (
        select(tier, known, again, func.sum(each.c.orders), func.sum(each.c.revenue))
        .select_from(each)
        .outerjoin(standing, standing.c.member_id == each.c.member_id)
        .group_by(tier)
    )


def _more_than_one(each: Subquery, standing: Subquery) -> Any:
    return case((and_(each.c.days >= 2, standing.c.member_id.is_not(None)), 1), else_=0)


def _did(period: Period, standing: Subquery, kind: str) -> Rows:
    return (
        select(standing.c.tier, func.count(distinct(Event.member_id)))
        .join(Event, Event.member_id == standing.c.member_id)
        .where(
            Event.kind == kind,
            Event.day.between(period.month.first, period.month.last),
            Event.recorded_at <= period.as_of,
        )
        .group_by(standing.c.tier)
    )


def _by_tier(session: Session, rows: Rows) -> dict[str, tuple[int, ...]]:
    return {key: tuple(int(each or 0) for each in more) for key, *more in session.execute(rows)}


def people_of(period: Period, tier: str, what: str) -> Rows:
    """Member ids behind a figure: `members`, `buyers`, `bought_again`, `visitors` or `took_part`."""
    standing = _standing(period)
    mine = select(standing.c.member_id)
    mine = mine if not tier else mine.where(standing.c.tier == tier)
    if what in ("visitors", "took_part"):
        kind = "visited" if what == "visitors" else "participated"
        return mine.where(
            standing.c.member_id.in_(
                select(Event.member_id).where(
                    Event.kind == kind,
                    Event.day.between(period.month.first, period.month.last),
                    Event.recorded_at <= period.as_of,
                    Event.member_id.is_not(None),
                )
            )
        )
    if what in ("buyers", "bought_again"):
        buyers = select(Purchase.member_id).where(_orders(period), Purchase.member_id.is_not(None))
        if what == "bought_again":
            buyers = buyers.group_by(Purchase.member_id).having(func.count(distinct(Purchase.day)) >= 2)
        return mine.where(standing.c.member_id.in_(buyers))
    return mine
