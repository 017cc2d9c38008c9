"""Keeps which thresholds held from which day, so that changing them judges from then on only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.tier_history import ALWAYS
from models.programme import Ladder, Tier, the_brand


def _reachable() -> Select[Any]:
    return select(Tier).where(Tier.archived_at.is_(None)).order_by(Tier.rank)


@dataclass(frozen=True)
class Standing:
    """What tiers are judged by at a moment: thresholds in minor units by key, of what, and how one falls."""

    thresholds: dict[str, Any]
    measure: str
    fall: str


def present(session: Session) -> Standing:
    """As the programme stands."""
    brand = the_brand(session)
    thresholds = {tier.key: tier.threshold for tier in session.scalars(_reachable())}
    return Standing(thresholds, brand.tiers_by, brand.tiers_fall)


def keep(session: Session, before: Standing, *, by: str, now: datetime) -> Ladder | None:
    """Writes down that something else holds from today, if it does; None otherwise.

    The first change also writes what held until then. The very first tiers need no ladder: they hold for all days.
    """
    after = present(session)
    if after == before or not before.thresholds:
        return None
    if session.scalar(select(Ladder.id).limit(1)) is None:
        first = Ladder(
            from_day=ALWAYS, thresholds=before.thresholds, measure=before.measure, fall=before.fall,
            by=by, made_at=now, settled_at=now,
        )  # fmt: skip
        session.add(first)
        session.flush()
    row = Ladder(
        from_day=calendar_of(session).day_of(now), thresholds=after.thresholds, measure=after.measure,
        fall=after.fall, by=by, made_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row
