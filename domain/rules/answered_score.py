"""Answered with a score.

The latest answer to a survey or quiz, by its score.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_
from sqlalchemy.orm import aliased

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import events_moved
from domain.scores._movers import Since
from domain.wording import mark
from models.event import Event
from models.programme import Form, FormAnswer

GROUP = "What they did"


class Params(Base):
    form: str = param(mark("Survey"), pick="form")
    at_least: int = param(mark("Score at least"), 0, ge=0, le=1000)
    at_most: int = param(mark("Score at most"), 10, ge=0, le=1000)
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def _such(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    newer = aliased(FormAnswer)
    is_newer = or_(
        newer.submitted_at > FormAnswer.submitted_at,
        and_(newer.submitted_at == FormAnswer.submitted_at, newer.id > FormAnswer.id),
    )
    later = exists().where(
        newer.member_id == FormAnswer.member_id, newer.form_id == FormAnswer.form_id,
        newer.submitted_at <= context.now, newer.score.is_not(None), is_newer,
    )  # fmt: skip
    such = [
        FormAnswer.form_id == Form.id, Form.key == params.form, FormAnswer.submitted_at <= context.now,
        FormAnswer.score >= params.at_least, FormAnswer.score <= params.at_most, ~later,
    ]  # fmt: skip
    if params.days is not None:
        such.append(FormAnswer.submitted_at >= context.calendar.start(context.first_day(params.days)))
    return such


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, FormAnswer.member_id, *_such(params, context))


def words(params: Params, say: Speaker) -> str:
    return say(
        "last answered “%(form)s” with %(low)s to %(high)s%(when)s", form=say.named("form", params.form),
        low=params.at_least, high=params.at_most, when=say.within(params.days),
    )  # fmt: skip


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return rows("answered", FormAnswer.member_id, Form.key, FormAnswer.submitted_at).where(*_such(params, context))


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    return events_moved(since, context, params.days, Event.kind == "answered")
