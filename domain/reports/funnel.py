"""From reach to repurchase, step by step: how many members came how far, and where most are lost.

A member enters when a message reaches them in the window; each later step counts after the one before
it and within 30 days of entering. Doing a later step implies the earlier ones, so counts never rise
(definitions §10).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, func, select
from sqlalchemy.orm import Session

from domain.metrics._cohort import RETURN_DAYS
from domain.metrics._intervals import GREY
from domain.metrics._people import counts
from domain.metrics._shape import Rows, flag
from domain.metrics.segment_engagement import reached
from models.arithmetic import days_later, hours_later
from models.campaign import Recipient
from models.event import Event
from models.member import Member
from models.purchase import Purchase

STEPS = ("reach", "browse", "cart", "order", "pick_up", "repurchase")
EVENTS = {"browse": "browsed", "cart": "carted", "pick_up": "picked_up"}
WITHIN_HOURS = 30 * 24


@dataclass(frozen=True)
class Step:
    """How many came this far, of those at the step before and of those who entered; None where nobody was."""

    name: str
    count: int
    from_before: float | None
    from_top: float | None


@dataclass(frozen=True)
class Funnel:
    steps: tuple[Step, ...]
    worst: tuple[str, str] | None  # the step with the lowest rate, from → to, with people enough to tell


def funnel(numbers: Sequence[int], *, names: Sequence[str] = STEPS) -> Funnel:
    """From the counts of the steps, top first."""
    steps = []
    for place, (name, count) in enumerate(zip(names, numbers, strict=True)):
        before = numbers[place - 1] if place else 0
        steps.append(Step(name, count, _share(count, before) if place else None, _share(count, numbers[0])))
    rated = [
        (step.from_before, (names[place - 1], step.name))
        for place, step in enumerate(steps)
        if step.from_before is not None and numbers[place - 1] >= GREY
    ]
    return Funnel(tuple(steps), min(rated)[1] if rated else None)


def cart_left(carted: int, without_order: int) -> float | None:
    """Of the members with a cart, those without an order within 72 hours of the last addition."""
    return _share(without_order, carted)


def counted(session: Session, *, since: datetime, until: datetime, now: datetime) -> Funnel:
    """The funnel of those first reached in the window; repurchase only when everyone's days for it have passed."""
    steps = STEPS if now >= until + timedelta(hours=WITHIN_HOURS, days=RETURN_DAYS) else STEPS[:-1]
    far = _how_far(since, until).subquery("far")
    sums = [func.coalesce(func.sum(flag(far.c.far >= place)), 0) for place in range(len(steps))]
    row = session.execute(select(*sums)).one()
    return funnel([int(count) for count in row], names=steps)


def people_at(since: datetime, until: datetime, place: int, *, stopped: bool) -> Rows:
    """Member ids of who came as far as a step of STEPS, or with `stopped` no further."""
    far = _how_far(since, until).subquery("far")
    return select(far.c.member_id).where(far.c.far == place if stopped else far.c.far >= place)


def _how_far(since: datetime, until: datetime) -> Rows:
    """(member_id, far): the last step of each who entered, as its place in STEPS."""
    layer = _entered(since, until).subquery("entered")
    for step, kind in EVENTS.items():
        if step == "pick_up":
            layer = _ordered(layer, since, until).subquery("until_order")
        layer = _acted(layer, step, kind, since, until).subquery(f"until_{step}")
    layer = _bought_again(layer, since, until).subquery("until_repurchase")
    places = [(layer.c.repurchases > 0, STEPS.index("repurchase"))]
    places += [(layer.c[name].is_not(None), STEPS.index(name)) for name in ("pick_up", "order", "cart", "browse")]
    return select(layer.c.member_id, case(*places, else_=0).label("far"))


def _entered(since: datetime, until: datetime) -> Rows:
    return (
        select(Recipient.member_id.label("member_id"), func.min(Recipient.sent_at).label("reach"))
        .join(Member, Member.id == Recipient.member_id)
        .where(counts(), reached(), Recipient.sent_at >= since, Recipient.sent_at < until)
        .group_by(Recipient.member_id)
    )


def _acted(people: Subquery, step: str, kind: str, since: datetime, until: datetime) -> Rows:
    """`people` and when each first took a step that is an event."""
    mine = and_(
        Event.member_id == people.c.member_id,
        Event.kind == kind,
        *_in_time(people, Event.occurred_at),
        Event.day.between(*_days(since, until, WITHIN_HOURS // 24)),
    )
    first = func.min(Event.occurred_at).label(step)
    return select(people, first).outerjoin(Event, mine).group_by(*people.c)


def _ordered(people: Subquery, since: datetime, until: datetime) -> Rows:
    """`people`, when each first ordered, and the local day of that order."""
    mine = and_(
        Purchase.member_id == people.c.member_id,
        Purchase.net_amount > 0,
        *_in_time(people, Purchase.paid_at),
        Purchase.day.between(*_days(since, until, WITHIN_HOURS // 24)),
    )
    first = (func.min(Purchase.paid_at).label("order"), func.min(Purchase.day).label("order_day"))
    return select(people, *first).outerjoin(Purchase, mine).group_by(*people.c)


def _bought_again(people: Subquery, since: datetime, until: datetime) -> Rows:
    """`people` and how many orders each made in the 90 days after the order's day."""
    mine = and_(
        Purchase.member_id == people.c.member_id,
        Purchase.net_amount > 0,
        Purchase.day > people.c.order_day,
        Purchase.day <= days_later(people.c.order_day, RETURN_DAYS),
        Purchase.day.between(*_days(since, until, WITHIN_HOURS // 24 + RETURN_DAYS)),
    )
    return select(people, func.count(Purchase.id).label("repurchases")).outerjoin(Purchase, mine).group_by(*people.c)


def _in_time(people: Subquery, moment: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """After the latest of the steps before that was taken at all, and within 30 days of entering."""
    taken = [people.c[name] for name in reversed(STEPS) if name in people.c]
    after = func.coalesce(*taken) if len(taken) > 1 else taken[0]
    return moment > after, moment <= hours_later(people.c.reach, WITHIN_HOURS)


def _days(since: datetime, until: datetime, more: int) -> tuple[date, date]:
    """No local day of a step lies outside: told beforehand, or the database would read what was bought in all years."""
    return (since - timedelta(days=1)).date(), (until + timedelta(days=more + 1)).date()


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
