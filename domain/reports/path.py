"""From a first message to a second purchase: how far the people first reached in a month came, and how long it took.

Steps: reached, identified (registered), in the store (a visit or a kept booking) or ordering, bought, bought again,
rose a tier. Each within 90 days of being reached; a later step implies the earlier ones, so counts never rise
(feature M5).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Subquery, and_, case, func, select
from sqlalchemy.orm import Session

from domain.metrics._people import counts
from domain.metrics._shape import Rows, flag
from domain.metrics.segment_engagement import reached
from models.arithmetic import days_between, hours_later, local_day, median
from models.campaign import Recipient
from models.event import Event
from models.member import Member
from models.programme import TierLine
from models.purchase import Purchase

STEPS = ("reached", "identified", "visited", "bought", "again", "rose")
WITHIN_HOURS = 90 * 24
CAME = ("visited", "conversion_completed")


@dataclass(frozen=True)
class Step:
    """How many came so far; the median of days from being reached, of those who did it after."""

    name: str
    count: int
    days: float | None


def how_far(since: datetime, until: datetime) -> Subquery:
    """(member_id, at, a column a step, far): each person's first reach in [since, until), and what followed.

    Each layer is worked out once; as plain subqueries its steps would be looked up again for each use.
    """
    entered = (
        select(Recipient.member_id, func.min(Recipient.sent_at, type_=Recipient.sent_at.type).label("at"))
        .join(Member, Member.id == Recipient.member_id)
        .where(counts(), reached(), Recipient.sent_at < until)
        .group_by(Recipient.member_id)
        .having(func.min(Recipient.sent_at) >= since)
        .cte("entered")
        .prefix_with("MATERIALIZED")
    )
    registered = case((Member.registered_at <= hours_later(entered.c.at, WITHIN_HOURS), Member.registered_at))
    rises = TierLine.reason.in_(("upgraded", "granted", "by_hand"))
    firsts = {
        "visited": _first(entered, Event.member_id, Event.occurred_at, Event.kind.in_(CAME)),
        "bought": _first(entered, Purchase.member_id, Purchase.paid_at, Purchase.net_amount > 0),
        "rose": _first(entered, TierLine.member_id, TierLine.at, rises),
    }
    steps = [found.c.first.label(name) for name, found in firsts.items()]
    base = select(entered, registered.label("identified"), *steps).join(Member, Member.id == entered.c.member_id)
    for found in firsts.values():
        base = base.outerjoin(found, found.c.member_id == entered.c.member_id)
    again = _with_second(base.cte("steps").prefix_with("MATERIALIZED")).cte("with_again").prefix_with("MATERIALIZED")
    far = case(*((again.c[name].is_not(None), STEPS.index(name)) for name in reversed(STEPS[1:])), else_=0)
    return select(again, far.label("far")).subquery("path")


def _first(entered: CTE, member_id: Any, at: Any, what: Any) -> CTE:
    """(member_id, first): when each first did it within the time; joined, not looked up person by person."""
    within = and_(member_id == entered.c.member_id, at > entered.c.at, at <= hours_later(entered.c.at, WITHIN_HOURS))
    found = select(entered.c.member_id, func.min(at, type_=at.type).label("first")).join_from(
        entered, at.class_, and_(within, what)
    )
    return found.group_by(entered.c.member_id).cte(f"first_{at.class_.__tablename__}").prefix_with("MATERIALIZED")


def _with_second(base: CTE) -> Rows:
    """`base` and the first purchase on a later day than the first after being reached; joined, not looked up."""
    mine = and_(Purchase.member_id == base.c.member_id, Purchase.net_amount > 0, Purchase.paid_at == base.c.bought)
    first_day = func.min(Purchase.day).label("bought_day")
    first = select(base, first_day).outerjoin(Purchase, mine).group_by(*base.c).subquery("with_first_day")
    later = and_(
        Purchase.member_id == first.c.member_id,
        Purchase.net_amount > 0,
        Purchase.day > first.c.bought_day,
        Purchase.paid_at <= hours_later(first.c.at, WITHIN_HOURS),
    )
    second = func.min(Purchase.paid_at, type_=Purchase.paid_at.type).label("again")
    return select(first, second).outerjoin(Purchase, later).group_by(*first.c)


def path(session: Session, *, since: datetime, until: datetime, zone: str) -> list[Step]:
    rows = how_far(since, until)
    sums = [func.coalesce(func.sum(flag(rows.c.far >= place)), 0) for place in range(len(STEPS))]
    day = local_day(rows.c.at, zone)
    days = [
        median(case((rows.c[name] > rows.c.at, days_between(day, local_day(rows.c[name], zone))))) for name in STEPS[1:]
    ]
    found = session.execute(select(*sums, *days)).one()
    medians = [None, *found[len(STEPS) :]]
    return [Step(name, int(found[place]), medians[place]) for place, name in enumerate(STEPS)]


def people_at(since: datetime, until: datetime, place: int, *, stopped: bool) -> Rows:
    """Who came to a step, or with `stopped` no further."""
    rows = how_far(since, until)
    return select(rows.c.member_id).where(rows.c.far == place if stopped else rows.c.far >= place)
