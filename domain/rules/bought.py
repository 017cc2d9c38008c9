"""Bought so many times.

Counted in days with a qualified order: two orders on one day are one occasion.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, distinct, func

from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind, qualified, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import orders_moved
from domain.scores._movers import Since
from domain.wording import mark
from models.purchase import Purchase

GROUP = "Purchases"


class Params(Base):
    times: int = param(mark("At least … times"), 1, ge=1, le=10000)
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    enough = None if params.times == 1 else func.count(distinct(Purchase.day)) >= params.times
    return some(context, Purchase.member_id, *qualified(context, params.days), having=enough)


def words(params: Params, say: Speaker) -> str:
    if params.times == 1:
        return say("bought something%(when)s", when=say.within(params.days))
    return say("bought on at least %(n)s days%(when)s", n=params.times, when=say.within(params.days))


def words_not(params: Params, say: Speaker) -> str:
    if params.times == 1:
        return say("bought nothing%(when)s", when=say.within(params.days))
    return say("bought on fewer than %(n)s days%(when)s", n=params.times, when=say.within(params.days))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, params.days)


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    return orders_moved(since, context, params.days)
