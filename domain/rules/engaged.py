"""Answered a campaign.

An action of their own that came from a message of this campaign (or of any): a link opened, a
button pressed, a page visited, a coupon claimed.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select

from domain.events import OWN_ACTIONS
from domain.rules._context import RuleContext
from domain.rules._finding import events_behind, in_days, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import events_moved
from domain.scores._movers import Since
from domain.wording import mark
from models.campaign import Campaign
from models.event import Event

GROUP = "LINE and messages"


class Params(Base):
    campaign: str | None = param(mark("Campaign"), None, pick="campaign")
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def _such(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    such = [Event.campaign_id == Campaign.id, Event.kind.in_(OWN_ACTIONS), *in_days(Event.day, context, params.days)]
    return [*such, Campaign.ref == params.campaign] if params.campaign else such


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, Event.member_id, *_such(params, context))


def _values(params: Params, say: Speaker) -> dict[str, str]:
    what = say.named("campaign", params.campaign) if params.campaign else say("a message")
    return {"what": what, "when": say.within(params.days)}


def words(params: Params, say: Speaker) -> str:
    return say("answered %(what)s%(when)s", **_values(params, say))


def words_not(params: Params, say: Speaker) -> str:
    return say("did not answer %(what)s%(when)s", **_values(params, say))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return events_behind(*_such(params, context))


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    answers = Event.kind.in_(OWN_ACTIONS), Event.campaign_id.is_not(None)
    return events_moved(since, context, params.days, *answers)
