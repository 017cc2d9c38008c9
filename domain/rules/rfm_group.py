"""Is in an RFM group.

As of the last night's scores (recency, frequency, amount), by the thresholds or by the quintiles the brand goes by.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select

from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import scores_moved
from domain.scores.rfm import GROUPS
from domain.scores.rfm_quintiles import group_by
from domain.wording import mark
from models.score import MemberScore

GROUP = "Tags and groups"
KEYS = tuple(GROUPS)
CHOICE_WORDS = GROUPS


class Params(Base):
    groups: list[Literal[KEYS]] = param(mark("Groups"), min_length=1)  # type: ignore[valid-type]  # the groups are data


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, MemberScore.member_id, group_by(context.rfm_by).in_(params.groups))


def words(params: Params, say: Speaker) -> str:
    return say("is in the RFM group %(group)s", group=say.listed([say(GROUPS[group]) for group in params.groups]))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, 365)


moved = scores_moved
