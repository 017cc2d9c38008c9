"""Has points.

Points that can be used now: what is still on its way does not count, nor what has run out.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import Ids, events_moved, orders_moved
from domain.scores._movers import MARGIN, Since
from domain.wording import mark
from models.event import Event
from models.points import PointLine, PointLot

GROUP = "Tags and groups"


class Params(Base):
    points: int = param(mark("At least … points"), ge=1)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    live = or_(PointLot.expires_at.is_(None), PointLot.expires_at >= context.now)
    enough = func.sum(PointLot.remaining) >= params.points
    return some(context, PointLot.member_id, PointLot.usable_at <= context.now, live, having=enough)


def words(params: Params, say: Speaker) -> str:
    return say("has at least %(n)s points", n=params.points)


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return rows("points", PointLine.member_id, PointLine.reason, PointLine.at).where(PointLine.at <= context.now)


def moved(params: Params, since: Since, context: RuleContext) -> list[Ids]:
    """Lines since then, lots that became usable or ran out, orders that changed (they earn as of their own time)."""
    begun = since.at - MARGIN
    return [
        select(PointLine.member_id).where(PointLine.at >= begun),
        select(PointLot.member_id).where(PointLot.usable_at.between(begun, context.now)),
        select(PointLot.member_id).where(PointLot.expires_at.between(begun, context.now)),
        *orders_moved(since, context, None),
        *events_moved(since, context, None, Event.kind == "picked_up"),
    ]
