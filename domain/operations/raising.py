"""Who has already reached a tier on the day a lower threshold begins; they are raised by `tiering.settle`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.scores import _standing
from models.member import Member
from models.programme import Ladder, Tier, the_brand


def unfinished(session: Session, *, now: datetime) -> list[int]:
    """Ids of the ladders that have begun and whose people are not all raised yet."""
    today = calendar_of(session).day_of(now)
    rows = select(Ladder.id).where(Ladder.settled_at.is_(None), Ladder.from_day <= today)
    return list(session.scalars(rows.order_by(Ladder.id)))


def standing_low(session: Session, *, now: datetime) -> list[int]:
    """Ids of members who stand lower than what they reach today, or on a first tier that is no more: one query."""
    brand, today = the_brand(session), calendar_of(session).day_of(now)
    reachable = select(Tier.rank, Tier.threshold).where(Tier.rank > 0, Tier.archived_at.is_(None))
    steps = [(rank, least) for rank, least in session.execute(reachable)]
    if not steps:
        return []
    sums = _standing.counted(brand.tiers_by, today, currency=brand.currency)
    low = (
        select(Member.id)
        .outerjoin(sums, sums.c.member_id == Member.id)
        .outerjoin(Tier, Tier.id == Member.tier_id)
        .where(
            Member.registered_at.is_not(None),
            Member.merged_into_id.is_(None),
            or_(
                _standing.reached(func.coalesce(sums.c.counted, 0), steps) > func.coalesce(Tier.rank, 0),
                Tier.archived_at.is_not(None) & Member.tier_until.is_(None),
            ),
        )
        .order_by(Member.id)
    )
    return list(session.scalars(low))


def finish(session: Session, ladder_ids: Sequence[int], *, now: datetime) -> None:
    """Marks these ladders as done."""
    for ladder in session.scalars(select(Ladder).where(Ladder.id.in_(ladder_ids))):
        ladder.settled_at = now
    session.flush()
