"""Joined so many days ago.

Whole local days since registering; today is 0.
"""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, select

from domain.rules._context import RuleContext
from domain.rules._finding import known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import passed
from domain.scores._movers import Since
from domain.wording import mark
from models.member import Member

GROUP = "Who they are"


class Params(Base):
    compare: Literal["at_least", "at_most"] = param(mark("Compare"), "at_least")
    days: int = param(mark("Days"), ge=0, le=36500)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    day = context.today - timedelta(days=params.days)
    if params.compare == "at_least":
        return known(Member.registered_at, Member.registered_at < context.calendar.end(day))
    since = Member.registered_at >= context.calendar.start(day)
    return known(Member.registered_at, since & (Member.registered_at <= context.now))


def words(params: Params, say: Speaker) -> str:
    if params.compare == "at_least":
        return say("joined at least %(n)s days ago", n=params.days)
    return say("joined at most %(n)s days ago", n=params.days)


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    first, last = (context.calendar.start(each) for each in passed(since, context, params.days))
    edge = Member.registered_at.between(first, last)
    return [select(Member.id).where(edge)]
