"""Has points.

The balance of the points ledger.
"""

from sqlalchemy import ColumnElement, func

from domain.rules._context import RuleContext
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.wording import mark
from models.points import PointLine

GROUP = "Tags and groups"


class Params(Base):
    points: int = param(mark("At least … points"), ge=1)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    enough = func.sum(PointLine.points) >= params.points
    return some(context, PointLine.member_id, PointLine.at <= context.now, having=enough)


def words(params: Params, say: Speaker) -> str:
    return say("has at least %(n)s points", n=params.points)
