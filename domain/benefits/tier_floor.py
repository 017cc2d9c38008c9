"""A tier floor: the person stands at least on this tier for so many days, whatever they spend."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import NotFound
from domain.operations import tiering
from domain.wording import mark
from models.programme import Tier, TierLine


def give(session: Session, *, member_id: int, value: dict[str, Any], cause: str, now: datetime) -> TierLine | None:
    """`value` is {"tier": key, "days": n}. None when given before for this cause.

    Whoever is there or above keeps what they have; the line is written all the same.
    """
    tier = session.scalar(select(Tier).where(Tier.key == value["tier"]))
    if tier is None:
        raise NotFound(mark("There is no such tier, so none was given. Check the programme."), code="tier_not_found")
    last_day = calendar_of(session).day_of(now) + timedelta(days=int(value.get("days", 365)))
    return tiering.grant_floor(session, member_id, tier=tier, until=last_day, reason="granted", cause=cause, now=now)
