"""Is early, due or late in their own rhythm.

Days since the last purchase against the person's own repurchase cycle; who has no cycle is never in it.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, literal

from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.scores.purchase_clock import STATES, state
from domain.wording import mark
from models.arithmetic import days_between
from models.score import MemberScore

GROUP = "Purchases"
KEYS = tuple(STATES)
CHOICE_WORDS = STATES


class Params(Base):
    states: list[Literal[KEYS]] = param(mark("States"), min_length=1)  # type: ignore[valid-type]  # the states are data


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    since = days_between(MemberScore.last_day, literal(context.today))
    is_so = state(since, MemberScore.cycle_days).in_(params.states)
    return some(context, MemberScore.member_id, MemberScore.cycle_days.is_not(None), is_so)


def words(params: Params, say: Speaker) -> str:
    return say("is “%(state)s” in their own rhythm", state=say.listed([say(STATES[state]) for state in params.states]))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, 730)
