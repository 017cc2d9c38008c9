"""Is a friend on LINE.

Follows the account now: added it and has not blocked it since.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select

from domain.rules._context import RuleContext
from domain.rules._finding import events_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker
from models.event import Event
from models.member import Friend

GROUP = "LINE and messages"


class Params(Base):
    pass


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, Friend.member_id, Friend.is_following.is_(True))


def words(params: Params, say: Speaker) -> str:
    return say("is a friend on LINE")


def words_not(params: Params, say: Speaker) -> str:
    return say("is not a friend on LINE")


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return events_behind(Event.kind == "followed")
