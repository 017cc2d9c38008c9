"""The person reached a tier: by spend or visits, as a reward, or by hand. News only; what a file tells is not.

Whoever falls and reaches it again, reached it again; `reentry_days` of the automation says how soon that counts.
"""

from pydantic import Field
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from domain import triggers
from domain.calendar import NEWS
from domain.wording import say
from models.programme import Tier, TierLine

REACHED, RENEWED = ("upgraded", "granted", "by_hand"), ("renewed", "held")


class Params(triggers.Params):
    tiers: list[str] = Field(min_length=1)
    including_renewed: bool = False


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    before = aliased(Tier)
    higher = and_(TierLine.reason.in_(REACHED), Tier.rank > func.coalesce(before.rank, 0))
    first = and_(TierLine.reason == "joined", Tier.rank == 0)
    renewed = TierLine.reason.in_(RENEWED if params.including_renewed else ())
    reached = (
        select(TierLine, Tier.key)
        .join(Tier, Tier.id == TierLine.tier_id)
        .outerjoin(before, before.id == TierLine.from_tier_id)
        .where(
            TierLine.recorded_at > window.since,
            TierLine.recorded_at <= window.now,
            TierLine.at > window.since - NEWS,
            Tier.key.in_(params.tiers),
            or_(higher, first, renewed),
        )
    )
    return [
        triggers.Entry(line.member_id, f"tier:{line.cause}"[:255], line.at, {"tier": key, "reason": line.reason})
        for line, key in session.execute(reached)
        if line.recorded_at is not None and line.recorded_at - line.at <= NEWS
    ]


def words(params: Params, language: str) -> str:
    named = say(language, " or ").join(params.tiers)
    if params.including_renewed:
        return say(language, "when they reach or keep the tier %(tier)s", tier=named)
    return say(language, "when they reach the tier %(tier)s", tier=named)
