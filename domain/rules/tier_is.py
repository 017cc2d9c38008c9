"""Is in a tier.

The tier of today, whatever it rests on: spend, a grant, or a decision of the staff.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import alone
from domain.wording import mark
from models.member import Member
from models.programme import Tier, TierLine

GROUP = "Tags and groups"


class Params(Base):
    tiers: list[str] = param(mark("Tiers"), pick="tier", min_length=1)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return known(Member.tier_id, Member.tier_id.in_(select(Tier.id).where(Tier.key.in_(params.tiers))))


def words(params: Params, say: Speaker) -> str:
    return say("is in the tier %(tier)s", tier=say.named("tier", params.tiers))


def words_not(params: Params, say: Speaker) -> str:
    return say("is not in the tier %(tier)s", tier=say.named("tier", params.tiers))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return rows("tier", TierLine.member_id, TierLine.reason, TierLine.at).where(TierLine.at <= context.now)


moved = alone
