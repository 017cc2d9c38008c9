"""Is near the next tier.

What counted in the last 365 days is nearly enough for a higher tier: within a share of its threshold, or an amount.
"""

from typing import Any, Self

from pydantic import model_validator
from sqlalchemy import ColumnElement, Select, func, literal, select, union_all
from sqlalchemy.orm import aliased

from domain.money import whole
from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.scores import _standing
from domain.scores.tier import WINDOW
from domain.wording import mark
from models.member import Member
from models.programme import Brand, Tier

GROUP = "Tags and groups"


class Params(Base):
    within_percent: int | None = param(mark("Missing at most … percent"), None, ge=1, le=99)
    within_amount: int | None = param(mark("Missing at most (amount, or visits)"), None, ge=1, le=10**12)
    tiers: list[str] = param(mark("Tiers"), [], pick="tier")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.within_percent is None) == (self.within_amount is None):
            raise ValueError("say within_percent or within_amount, one of the two")
        return self


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    sums, person, standing = _sums(context), aliased(Member), aliased(Tier)
    enough = sums.c.counted + whole(params.within_amount or 0, context.currency) >= Tier.threshold
    if params.within_percent is not None:
        enough = sums.c.counted * 100 >= Tier.threshold * (100 - params.within_percent)
    near = (
        select(sums.c.member_id)
        .join(person, person.id == sums.c.member_id)
        .outerjoin(standing, standing.id == person.tier_id)
        .join(Tier, Tier.rank > func.coalesce(standing.rank, 0))
        .where(person.registered_at.is_not(None), Tier.archived_at.is_(None), Tier.threshold > sums.c.counted, enough)
    )
    if params.tiers:
        near = near.where(Tier.key.in_(params.tiers))
    return Member.id.in_(near)


def _sums(context: RuleContext) -> Any:
    """What counted, by what the brand's tiers go by: of the two sums, one has rows."""
    measure = select(Brand.tiers_by).order_by(Brand.id).limit(1).scalar_subquery()
    parts = []
    for each in ("spend", "visits"):
        sums = _standing.counted(each, context.today, currency=context.currency, only=context.only)
        parts.append(select(sums.c.member_id, sums.c.counted).where(measure == literal(each)))
    return union_all(*parts).subquery()


def words(params: Params, say: Speaker) -> str:
    tier = say(" (%(tier)s)", tier=say.named("tier", params.tiers)) if params.tiers else ""
    if params.within_percent is not None:
        return say("misses the next tier%(tier)s by at most %(n)s %%", n=params.within_percent, tier=tier)
    return say("misses the next tier%(tier)s by at most %(n)s", n=f"{params.within_amount:,}", tier=tier)


def behind(params: Params, context: RuleContext) -> Select[Any] | None:
    return bought_behind(context, WINDOW.days)
