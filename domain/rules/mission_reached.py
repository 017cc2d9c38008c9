"""Reached a mission.

So many rounds of any of these missions, in the last so many days.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.wording import mark
from models.mission import Mission, MissionRound

GROUP = "What they did"


class Params(Base):
    missions: list[str] = param(mark("Missions"), pick="mission", min_length=1)
    times: int = param(mark("At least … times"), 1, ge=1, le=100000)
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def _such(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    named = select(Mission.id).where(Mission.key.in_(params.missions))
    such = [MissionRound.mission_id.in_(named), MissionRound.reached_at <= context.now]
    if params.days is not None:
        such.append(MissionRound.reached_at >= context.calendar.start(context.first_day(params.days)))
    return such


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    enough = None if params.times == 1 else func.count() >= params.times
    return some(context, MissionRound.member_id, *_such(params, context), having=enough)


def words(params: Params, say: Speaker) -> str:
    values = {"what": say.named("mission", params.missions), "when": say.within(params.days)}
    if params.times == 1:
        return say("reached %(what)s%(when)s", **values)
    return say("reached %(what)s at least %(n)s times%(when)s", n=params.times, **values)


def behind(params: Params, context: RuleContext) -> Select[Any]:
    query = rows("mission", MissionRound.member_id, Mission.key, MissionRound.reached_at)
    return query.join(Mission, Mission.id == MissionRound.mission_id).where(*_such(params, context))
