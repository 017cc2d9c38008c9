"""How far someone came on the way to buying, in the last 30 days: looked, put in the cart, ordered, collected, again.

The furthest step counts, and a later one implies those before it. A member whom a message reached and who
did none of this has no stage of their own: whom we wrote to is asked of the messages (definitions §10).
"""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from domain.calendar import Calendar
from domain.scores._figures import FUNNEL_DAYS, Among, Rows, window_start
from domain.wording import mark
from models.event import Event

# The events behind a step; ordering and ordering again are told by purchase days.
STEPS = {"browse": ("browsed", "favourited"), "cart": ("carted", "checkout_started"), "pick_up": ("picked_up",)}
LOOKED = tuple(kind for kinds in STEPS.values() for kind in kinds)
STAGES = {
    "browse": mark("Looked at products"),
    "cart": mark("Put something in the cart"),
    "order": mark("Ordered"),
    "pick_up": mark("Collected an order"),
    "repurchase": mark("Bought again"),
}


def step_figures(day: date, calendar: Calendar, among: Among) -> Rows:
    """Per person, of the last 30 days: how often they did each step that has events."""
    counts = (func.sum(case((Event.kind.in_(kinds), 1), else_=0)).label(step) for step, kinds in STEPS.items())
    return (
        select(Event.member_id, *counts)
        .where(Event.kind.in_(LOOKED), Event.member_id.is_not(None), among(Event.member_id))
        .where(
            Event.occurred_at >= calendar.start(window_start(day, FUNNEL_DAYS)), Event.occurred_at < calendar.end(day)
        )
        .group_by(Event.member_id)
    )


def stage(days_30: ColumnElement[int], steps: Any) -> ColumnElement[Any]:
    """From purchase days of the last 30 days, and the columns of `step_figures`; NULL for who did nothing."""
    return case(
        (days_30 >= 2, "repurchase"),
        (steps.pick_up > 0, "pick_up"),
        (days_30 == 1, "order"),
        (steps.cart > 0, "cart"),
        (steps.browse > 0, "browse"),
    )
