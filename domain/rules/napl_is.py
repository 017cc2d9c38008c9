"""Is in a life-cycle state.

New, active, loyal or passout (NAPL), as of the last night's scores.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select

from domain.events import OWN_ACTIONS
from domain.rules._context import RuleContext
from domain.rules._finding import events_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import scores_moved
from domain.scores.napl import STATES
from domain.wording import mark
from models.event import Event
from models.score import MemberScore

GROUP = "Tags and groups"
KEYS = tuple(STATES)
CHOICE_WORDS = STATES


class Params(Base):
    states: list[Literal[KEYS]] = param(mark("States"), min_length=1)  # type: ignore[valid-type]  # the states are data


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, MemberScore.member_id, MemberScore.napl.in_(params.states))


def words(params: Params, say: Speaker) -> str:
    return say("is “%(state)s” in the life cycle", state=say.listed([say(STATES[state]) for state in params.states]))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return events_behind(Event.kind.in_(OWN_ACTIONS), Event.occurred_at <= context.now)


moved = scores_moved
