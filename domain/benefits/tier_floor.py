"""A tier floor: the person stands at least on this tier for so many days, whatever they spend."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import NotFound
from domain.wording import mark
from models.member import Member
from models.merge import via_of
from models.programme import Tier, TierLine
from models.session import insert_for


def wrong(value: Any, keys: Callable[[str], set[str]]) -> str | None:
    """What a programme file's value for this kind is wrong about; `keys(section)` are those of the file."""
    tier = value.get("tier") if isinstance(value, dict) else None
    return None if tier in keys("tiers") else f"there is no tier {tier!r}"


def give(session: Session, *, member_id: int, value: dict[str, Any], cause: str, now: datetime) -> TierLine | None:
    """`value` is {"tier": key, "days": n}. None when given before for this cause.

    Whoever is there or above keeps what they have; the line is written all the same.
    """
    tier = session.scalar(select(Tier).where(Tier.key == value["tier"]))
    if tier is None:
        raise NotFound(mark("There is no such tier, so none was given. Check the programme."), code="tier_not_found")
    last_day = calendar_of(session).day_of(now) + timedelta(days=int(value.get("days", 365)))
    return write(session, member_id, tier=tier, until=last_day, reason="granted", cause=cause, now=now)


def write(
    session: Session,
    member_id: int,
    *,
    tier: Tier,
    until: date,
    reason: str,
    cause: str,
    evidence: dict[str, Any] | None = None,
    now: datetime,
) -> TierLine | None:
    """The ledger line of a floor that holds until the end of `until`; None when `cause` was used."""
    values = {
        "member_id": member_id, "via_id": via_of(session, member_id),
        "tier_id": tier.id, "from_tier_id": session.get_one(Member, member_id).tier_id,
        "reason": reason, "at": now, "recorded_at": now, "until": calendar_of(session).last_second(until),
        "cause": cause, "evidence": {"cause": cause, **(evidence or {})},
    }  # fmt: skip
    statement = insert_for(session)(TierLine).values(values).on_conflict_do_nothing(index_elements=["cause"])
    row = session.execute(statement.returning(TierLine.id)).first()
    return session.get_one(TierLine, row.id) if row else None
