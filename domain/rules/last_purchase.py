"""Last bought so many days ago.

Days from the last purchase day to today; who never bought is never in it.
"""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func

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
    days: int = param(mark("Days"), ge=0, le=36500)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    day, last = context.today - timedelta(days=params.days), func.max(Purchase.day)
    is_so = last <= day if params.compare == "at_least" else last >= day
    return some(context, Purchase.member_id, *qualified(context, None), having=is_so)


def words(params: Params, say: Speaker) -> str:
    if params.compare == "at_least":
        return say("last bought at least %(n)s days ago", n=params.days)
    return say("last bought at most %(n)s days ago", n=params.days)


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, None)


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    return orders_moved(since, context, params.days + 1)
