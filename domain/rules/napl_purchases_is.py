"""Is in a life-cycle state by purchases alone.

The other definition of NAPL: bought once or repeatedly, the last time within 90 days or not.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select

from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import scores_moved
from domain.scores.napl import STATES_BY_PURCHASES as STATES
from domain.wording import mark
from models.score import MemberScore

GROUP = "Purchases"
KEYS = tuple(STATES)
CHOICE_WORDS = STATES


class Params(Base):
    states: list[Literal[KEYS]] = param(mark("States"), min_length=1)  # type: ignore[valid-type]  # the states are data


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, MemberScore.member_id, MemberScore.napl_purchases.in_(params.states))


def words(params: Params, say: Speaker) -> str:
    states = say.listed([say(STATES[state]) for state in params.states])
    return say("is “%(state)s” by purchases alone", state=states)


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, None)


moved = scores_moved
