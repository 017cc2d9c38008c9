"""Was sent a campaign.

LINE accepted a message of this campaign (or of any) for them.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.wording import mark
from models.campaign import Campaign, Recipient

GROUP = "LINE and messages"


class Params(Base):
    campaign: str | None = param(mark("Campaign"), None, pick="campaign")
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def _such(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    such = [Recipient.campaign_id == Campaign.id, Recipient.state == "sent", Recipient.sent_at <= context.now]
    if params.campaign:
        such.append(Campaign.ref == params.campaign)
    if params.days is not None:
        such.append(Recipient.sent_at >= context.calendar.start(context.first_day(params.days)))
    return such


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, Recipient.member_id, *_such(params, context))


def _values(params: Params, say: Speaker) -> dict[str, str]:
    what = say.named("campaign", params.campaign) if params.campaign else say("a message")
    return {"what": what, "when": say.within(params.days)}


def words(params: Params, say: Speaker) -> str:
    return say("was sent %(what)s%(when)s", **_values(params, say))


def words_not(params: Params, say: Speaker) -> str:
    return say("was not sent %(what)s%(when)s", **_values(params, say))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return rows("sent", Recipient.member_id, Campaign.ref, Recipient.sent_at).where(*_such(params, context))
