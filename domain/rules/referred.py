"""Brought new members.

So many friends who came by their link, joined and verified their phone, in the last so many days.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, func

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.wording import mark
from models.member import Member
from models.mission import Referral

GROUP = "What they did"


class Params(Base):
    times: int = param(mark("At least … friends"), 1, ge=1, le=100000)
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def _such(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    such = [Referral.state == "succeeded", Referral.state_at <= context.now]
    if params.days is not None:
        such.append(Referral.state_at >= context.calendar.start(context.first_day(params.days)))
    return such


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    enough = None if params.times == 1 else func.count() >= params.times
    return some(context, Referral.referrer_id, *_such(params, context), having=enough)


def words(params: Params, say: Speaker) -> str:
    if params.times == 1:
        return say("brought a new member%(when)s", when=say.within(params.days))
    return say("brought at least %(n)s new members%(when)s", n=params.times, when=say.within(params.days))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    query = rows("referred", Referral.referrer_id, Member.ref, Referral.state_at)
    return query.join(Member, Member.id == Referral.person_id).where(*_such(params, context))
