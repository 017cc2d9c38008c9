"""Was brought by a friend.

Came by a member's link, joined and verified their phone: the other side of a referral.
"""

from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, select

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
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)


def _such(params: Params, context: RuleContext, whose: CTE) -> list[ColumnElement[bool]]:
    such = [Referral.id == whose.c.referral, Referral.state == "succeeded", Referral.state_at <= context.now]
    if params.days is not None:
        such.append(Referral.state_at >= context.calendar.start(context.first_day(params.days)))
    return such


def _whose() -> CTE:
    """Who came by each link: the record that opened it, and those it was joined into since."""
    came = select(Referral.id.label("referral"), Referral.person_id.label("member_id")).cte(recursive=True)
    joined = select(came.c.referral, Member.merged_into_id).where(
        Member.id == came.c.member_id, Member.merged_into_id.is_not(None)
    )
    return came.union_all(joined)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    whose = _whose()
    return some(context, whose.c.member_id, *_such(params, context, whose))


def words(params: Params, say: Speaker) -> str:
    return say("was brought by a friend%(when)s", when=say.within(params.days))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    whose = _whose()
    query = rows("referral", whose.c.member_id, Member.ref, Referral.state_at)
    return query.join(Member, Member.id == Referral.referrer_id).where(*_such(params, context, whose))
