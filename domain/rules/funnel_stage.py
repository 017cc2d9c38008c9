"""Came so far on the way to buying.

The furthest step of the last 30 days, as of the last night: looked, put in the cart, ordered, collected, again.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select

from domain.rules._context import RuleContext
from domain.rules._finding import events_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import scores_moved
from domain.scores.funnel_stage import LOOKED, STAGES
from domain.wording import mark
from models.event import Event
from models.score import MemberScore

GROUP = "Purchases"
KEYS = tuple(STAGES)
CHOICE_WORDS = STAGES


class Params(Base):
    stages: list[Literal[KEYS]] = param(mark("Steps"), min_length=1)  # type: ignore[valid-type]  # the steps are data


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, MemberScore.member_id, MemberScore.funnel_stage.in_(params.stages))


def words(params: Params, say: Speaker) -> str:
    stages = say.listed([say(STAGES[stage]) for stage in params.stages])
    return say("came as far as “%(stage)s” in the last 30 days", stage=stages)


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return events_behind(Event.kind.in_(LOOKED), Event.day >= context.first_day(31), Event.occurred_at <= context.now)


moved = scores_moved
