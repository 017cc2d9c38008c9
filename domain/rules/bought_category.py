"""Bought from a category.

A line of a qualified order that was not wholly brought back.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select

from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind, kept_lines
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import orders_moved
from domain.scores._movers import Since
from domain.wording import mark
from models.purchase import Purchase, PurchaseLine

GROUP = "Purchases"


class Params(Base):
    categories: list[str] = param(mark("Categories"), min_length=1, max_length=200)
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return kept_lines(context, params.days, PurchaseLine.category.in_(params.categories))


def words(params: Params, say: Speaker) -> str:
    return say("bought from %(what)s%(when)s", what=say.listed(params.categories), when=say.within(params.days))


def words_not(params: Params, say: Speaker) -> str:
    return say("did not buy from %(what)s%(when)s", what=say.listed(params.categories), when=say.within(params.days))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    such = PurchaseLine.category.in_(params.categories)
    return bought_behind(context, params.days, Purchase.lines.any(such & (PurchaseLine.kind == "sale")))


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    return orders_moved(since, context, params.days)
