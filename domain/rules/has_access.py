"""Has access.

A paid membership or club: it runs now (or ended no longer ago than the days of grace), or it has ended.
"""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, or_, select

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import Ids
from domain.scores._movers import MARGIN, Since
from domain.wording import mark
from models.benefit import AccessLine

GROUP = "Tags and groups"
CHOICE_WORDS = {"running": mark("runs now"), "ended": mark("has ended")}


class Params(Base):
    access: str = param(mark("Access"), min_length=1, max_length=64)
    state: Literal["running", "ended"] = param(mark("State"), "running")
    grace_days: int = param(mark("Days of grace after its end"), 0, ge=0, le=366)


def _runs(params: Params, context: RuleContext) -> ColumnElement[bool]:
    last = context.now - timedelta(days=params.grace_days)
    return some(
        context,
        AccessLine.member_id,
        AccessLine.key == params.access,
        AccessLine.starts_at <= context.now,
        or_(AccessLine.ended_at.is_(None), AccessLine.ended_at > context.now),
        or_(AccessLine.ends_at.is_(None), AccessLine.ends_at >= last),
    )


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    if params.state == "running":
        return _runs(params, context)
    begun = AccessLine.key == params.access, AccessLine.starts_at <= context.now
    return and_(some(context, AccessLine.member_id, *begun), ~_runs(params, context))


def words(params: Params, say: Speaker) -> str:
    if params.state == "ended":
        return say("had access to %(what)s, which has ended", what=params.access)
    if params.grace_days:
        return say("has access to %(what)s, or had it up to %(n)s days ago", what=params.access, n=params.grace_days)
    return say("has access to %(what)s", what=params.access)


def words_not(params: Params, say: Speaker) -> str:
    if params.state == "ended":
        return say("has not lost access to %(what)s", what=params.access)
    return say("has no access to %(what)s", what=params.access)


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return rows("access", AccessLine.member_id, AccessLine.key, AccessLine.starts_at).where(
        AccessLine.key == params.access, AccessLine.starts_at <= context.now
    )


def moved(params: Params, since: Since, context: RuleContext) -> list[Ids]:
    """What was given, begun or taken back since then, and what came to its end, or to the end of its grace."""
    begun, grace = since.at - MARGIN, timedelta(days=params.grace_days)
    lines = select(AccessLine.member_id).where(AccessLine.key == params.access)
    return [
        lines.where(AccessLine.at >= begun),
        lines.where(AccessLine.starts_at.between(begun, context.now)),
        lines.where(AccessLine.ended_at >= begun),
        lines.where(AccessLine.ends_at.between(begun - grace, context.now - grace)),
    ]
