"""Prefers a category.

It is one of the three they bought on most days of the last 365, as of the last night.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_

from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import scores_moved
from domain.scores.category_affinity import KEPT
from domain.wording import mark
from models.score import MemberScore

GROUP = "Purchases"


class Params(Base):
    categories: list[str] = param(mark("Categories"), min_length=1, max_length=200)
    days: int = param(mark("On at least … days"), 2, ge=1, le=365)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    likes = MemberScore.affinity
    favourite = (
        and_(likes[place][0].as_string().in_(params.categories), likes[place][1].as_integer() >= params.days)
        for place in range(KEPT)
    )
    return some(context, MemberScore.member_id, likes.is_not(None), or_(*favourite))


def words(params: Params, say: Speaker) -> str:
    return say(
        "prefers %(category)s, bought on at least %(n)s days of a year", category=say.listed(params.categories),
        n=params.days,
    )  # fmt: skip


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, 365)


moved = scores_moved
