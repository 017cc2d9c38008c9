"""Where a member stands in life with us: New, Active, Passed out (nothing for more than 90 days) or Loyal.

Activity is joining, buying, or an action of their own; what we send is none. The first state that fits,
in the order P, L, N, A, is taken, and A catches the rest, so the four always add up to all members
(definitions §6).
"""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from domain.calendar import Calendar
from domain.events import OWN_ACTIONS
from domain.money import whole
from domain.scores._figures import Among, Rows, window_start
from domain.wording import mark
from models.arithmetic import local_day
from models.event import Event

ASLEEP_DAYS = 90
NEW_DAYS = 30
LOYAL_DAYS, LOYAL_SPENT, LOYAL_SPENT_ALONE = 4, 5_000, 15_000
LOYAL_REFERRALS = 3
REFERRED = "referred"
COUNTED = (*OWN_ACTIONS, REFERRED)

STATES = {
    "N": mark("New"),
    "A": mark("Active"),
    "P": mark("Passed out"),
    "L": mark("Loyal"),
}

# The other definition in use under the same letters: by purchases alone. Its L is the opposite of Loyal.
STATES_BY_PURCHASES = {
    "N": mark("First purchase lately"),
    "A": mark("Buys repeatedly"),
    "P": mark("Bought repeatedly, gone quiet"),
    "L": mark("Bought once, long ago"),
}
QUIET_DAYS = 90


def action_figures(day: date, calendar: Calendar, among: Among) -> Rows:
    """Per person: the last day of an own action, and successful referrals of the last 365 days.

    By moments rather than days, so that one index has all that is read.
    """
    acted = case((Event.kind.in_(OWN_ACTIONS), Event.occurred_at))
    referred = and_(Event.kind == REFERRED, Event.occurred_at >= calendar.start(window_start(day)))
    return (
        select(
            Event.member_id,
            local_day(func.max(acted, type_=Event.occurred_at.type), calendar.zone.key).label("last_action_day"),
            func.sum(case((referred, 1), else_=0)).label("referrals"),
        )
        .where(Event.kind.in_(COUNTED), Event.occurred_at < calendar.end(day))
        .where(Event.member_id.is_not(None), among(Event.member_id))
        .group_by(Event.member_id)
    )


def last_activity(
    joined: ColumnElement[date], last_day: ColumnElement[Any], last_action: ColumnElement[Any]
) -> ColumnElement[date]:
    """The latest of joining, the last purchase day and the last own action; each of the latter may be missing."""
    bought = case((func.coalesce(last_day, joined) > joined, last_day), else_=joined)
    return case((func.coalesce(last_action, joined) > bought, last_action), else_=bought)


def state(
    *,
    joined: ColumnElement[date],
    activity: ColumnElement[date],
    last_action: ColumnElement[Any],
    purchase_days: ColumnElement[int],
    days_365: ColumnElement[int],
    amount_365: ColumnElement[int],
    referrals: ColumnElement[int],
    day: date,
    currency: str,
) -> ColumnElement[str]:
    loyal = or_(
        and_(days_365 >= LOYAL_DAYS, amount_365 >= whole(LOYAL_SPENT, currency)),
        amount_365 >= whole(LOYAL_SPENT_ALONE, currency),
        and_(referrals >= LOYAL_REFERRALS, days_365 >= 1),
    )
    young = joined >= day - timedelta(days=NEW_DAYS)
    never_acted = func.coalesce(last_action, joined) <= joined
    return case(
        (activity < day - timedelta(days=ASLEEP_DAYS), "P"),
        (loyal, "L"),
        (and_(purchase_days == 0, or_(young, never_acted)), "N"),
        else_="A",
    )


def state_by_purchases(
    purchase_days: ColumnElement[int], last_day: ColumnElement[Any], *, day: date
) -> ColumnElement[Any]:
    """The other definition: bought once or repeatedly, the last time within 90 days or not. NULL: never bought."""
    lately = last_day >= day - timedelta(days=QUIET_DAYS)
    return case(
        (purchase_days == 0, None),
        (and_(purchase_days == 1, lately), "N"),
        (purchase_days == 1, "L"),
        (lately, "A"),
        else_="P",
    )
