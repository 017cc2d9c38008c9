"""Booked a visit.

By what became of the booking: still to come, kept, missed, cancelled, or any.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.wording import mark
from models.store import Booking

GROUP = "Visits and bookings"
CHOICE_WORDS = {
    "upcoming": mark("still to come"),
    "kept": mark("kept"),
    "missed": mark("missed"),
    "cancelled": mark("cancelled"),
}
STATES = {"upcoming": "confirmed", "kept": "arrived", "missed": "no_show", "cancelled": "cancelled"}
SENTENCES = {
    "any": mark("booked a visit at least %(n)s times%(when)s"),
    "upcoming": mark("has at least %(n)s bookings still to come"),
    "kept": mark("kept at least %(n)s bookings%(when)s"),
    "missed": mark("missed at least %(n)s bookings%(when)s"),
    "cancelled": mark("cancelled at least %(n)s bookings%(when)s"),
}
ONCE = {
    "any": mark("booked a visit%(when)s"),
    "upcoming": mark("has a booking still to come"),
    "kept": mark("kept a booking%(when)s"),
    "missed": mark("missed a booking%(when)s"),
    "cancelled": mark("cancelled a booking%(when)s"),
}


class Params(Base):
    state: Literal["any", "upcoming", "kept", "missed", "cancelled"] = param(mark("What became of it"), "any")
    times: int = param(mark("At least … times"), 1, ge=1, le=10000)
    days: int | None = param(mark("Made in the last … days"), None, ge=1, le=36500)


def _such(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    such: list[ColumnElement[bool]] = [Booking.is_walk_in.is_(False), Booking.created_at <= context.now]
    if params.state in STATES:
        such.append(Booking.state == STATES[params.state])
    if params.state == "upcoming":
        return [*such, Booking.starts_at > context.now]
    if params.days is not None:
        such.append(Booking.created_at >= context.calendar.start(context.first_day(params.days)))
    return such


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    enough = None if params.times == 1 else func.count() >= params.times
    return some(context, Booking.member_id, *_such(params, context), having=enough)


def words(params: Params, say: Speaker) -> str:
    message = ONCE[params.state] if params.times == 1 else SENTENCES[params.state]
    return say(message, n=params.times, when=say.within(params.days))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return rows("booking", Booking.member_id, Booking.ref, Booking.starts_at).where(*_such(params, context))
