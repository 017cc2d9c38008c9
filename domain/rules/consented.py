"""Agreed to marketing.

The last thing they said was yes. Who was never asked has not agreed.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select

from domain.rules._context import RuleContext
from domain.rules._finding import events_behind, known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker
from domain.rules._moving import alone
from models.event import Event
from models.member import Member

GROUP = "LINE and messages"


class Params(Base):
    pass


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return known(Member.marketing_consent, Member.marketing_consent.is_(True))


def words(params: Params, say: Speaker) -> str:
    return say("agreed to marketing")


def words_not(params: Params, say: Speaker) -> str:
    return say("has not agreed to marketing")


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return events_behind(Event.kind == "consented")


moved = alone
