"""Is a registered member.

Registered in the mini-app, at the counter or by import; a friend who has not is a known person, no member.
"""

from typing import Any

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
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    so = Member.registered_at <= context.now
    if params.days is not None:
        so = so & (Member.registered_at >= context.calendar.start(context.first_day(params.days)))
    return known(Member.registered_at, so)


def words(params: Params, say: Speaker) -> str:
    if params.days is None:
        return say("is a registered member")
    return say("registered%(when)s", when=say.within(params.days))


def words_not(params: Params, say: Speaker) -> str:
    if params.days is None:
        return say("is not a registered member")
    return say("did not register%(when)s", when=say.within(params.days))


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    if params.days is None:
        return []
    first, last = (context.calendar.start(each) for each in passed(since, context, params.days))
    edge = Member.registered_at.between(first, last)
    return [select(Member.id).where(edge)]
