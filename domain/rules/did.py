"""Did something.

Any event of the journey, so many times, in the last so many days.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func

from domain.events import KINDS, MESSAGES
from domain.rules._context import RuleContext
from domain.rules._finding import events_behind, in_days, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import events_moved
from domain.scores._movers import Since
from domain.wording import mark
from models.event import Event

GROUP = "What they did"
EVENTS = tuple(kind for kind in KINDS if kind not in MESSAGES)
CHOICE_WORDS = {kind: KINDS[kind].means for kind in EVENTS}


class Params(Base):
    event: Literal[EVENTS] = param(mark("Event"))  # type: ignore[valid-type]  # the vocabulary is data
    times: int = param(mark("At least … times"), 1, ge=1, le=100000)
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)
    object: str | None = param(mark("Of this exactly (a form, a coupon, a product)"), None, max_length=255)


def _such(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    such = [Event.kind == params.event, Event.occurred_at <= context.now, *in_days(Event.day, context, params.days)]
    return [*such, Event.object == params.object] if params.object else such


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    enough = None if params.times == 1 else func.count() >= params.times
    return some(context, Event.member_id, *_such(params, context), having=enough)


def _values(params: Params, say: Speaker) -> dict[str, Any]:
    of = say(" (%(what)s)", what=params.object) if params.object else ""
    what = say(KINDS[params.event].means) + of
    return {"what": what, "n": params.times, "when": say.within(params.days)}


def words(params: Params, say: Speaker) -> str:
    if params.times == 1:
        return say("%(what)s%(when)s", **_values(params, say))
    return say("%(what)s at least %(n)s times%(when)s", **_values(params, say))


def words_not(params: Params, say: Speaker) -> str:
    if params.times == 1:
        return say("never: %(what)s%(when)s", **_values(params, say))
    return say("fewer than %(n)s times: %(what)s%(when)s", **_values(params, say))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return events_behind(*_such(params, context))


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    return events_moved(since, context, params.days, Event.kind == params.event)
