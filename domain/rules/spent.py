"""Spent an amount.

The net amount of qualified orders, in whole currency units; who bought nothing spent 0.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, not_

from domain.money import whole
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
    compare: Literal["at_least", "at_most"] = param(mark("Compare"), "at_least")
    amount: int = param(mark("Amount"), ge=1, le=10**12)
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    amount, total = whole(params.amount, context.currency), func.sum(Purchase.net_amount)
    orders = qualified(context, params.days)
    if params.compare == "at_least":
        return some(context, Purchase.member_id, *orders, having=total >= amount)
    return not_(some(context, Purchase.member_id, *orders, having=total > amount))


def words(params: Params, say: Speaker) -> str:
    values = {"amount": say.money(params.amount), "when": say.within(params.days)}
    if params.compare == "at_least":
        return say("spent at least %(amount)s%(when)s", **values)
    return say("spent at most %(amount)s%(when)s", **values)


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, params.days)


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    return orders_moved(since, context, params.days)
