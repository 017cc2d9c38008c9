"""Access for a time: a paid membership, a club, a gate. While one period runs, the next begins at its end."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import Calendar, calendar_of
from models.benefit import AccessLine
from models.member import Member
from models.merge import via_of
from models.session import insert_for

ONE_SECOND = timedelta(seconds=1)
SAYS = {"key", "days", "grace_days"}


def wrong(value: Any, keys: Callable[[str], set[str]]) -> str | None:
    """What a programme file's value for this kind is wrong about."""
    good = isinstance(value, dict) and value.keys() <= SAYS and isinstance(value.get("key"), str)
    if not good or not _is_days(value.get("days", 1), least=1) or not _is_days(value.get("grace_days", 0), least=0):
        return "access is {key: club, days: 365}, with grace_days: 14 if a late renewal joins on; without days it stays"
    return None if 0 < len(value["key"]) <= 64 else "the key of an access is 1 to 64 signs"


def _is_days(value: Any, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def give(
    session: Session,
    *,
    member_id: int,
    value: Mapping[str, Any],
    cause: str,
    evidence: Mapping[str, Any] | None = None,
    now: datetime,
) -> AccessLine | None:
    """`value` is {"key": "club", "days": 365, "grace_days": 14}. None when given before for this cause.

    Ends at 23:59:59 local of its last day. A renewal within `grace_days` after an end joins on to that end, so
    that paying late is not paying less. `evidence` says which order paid for it.
    """
    session.execute(select(Member.id).where(Member.id == member_id).with_for_update(of=Member, key_share=True)).all()
    calendar = calendar_of(session)
    until = _runs_until(session, member_id, value, now=now)
    starts_at, base = (until + ONE_SECOND, calendar.day_of(until)) if until else (now, calendar.day_of(now))
    values = {
        "member_id": member_id, "via_id": via_of(session, member_id),
        "key": value["key"], "starts_at": starts_at, "at": now, "cause": cause,
        "ends_at": _ends(calendar, base, value.get("days")), "reason": "granted", "evidence": dict(evidence or {}),
    }  # fmt: skip
    statement = insert_for(session)(AccessLine).values(values).on_conflict_do_nothing(index_elements=["cause"])
    row = session.execute(statement.returning(AccessLine.id)).first()
    return session.get_one(AccessLine, row.id) if row else None


def _runs_until(session: Session, member_id: int, value: Mapping[str, Any], *, now: datetime) -> datetime | None:
    """The end that the next period joins on to."""
    grace = timedelta(days=value.get("grace_days", 0))
    latest = select(func.max(AccessLine.ends_at, type_=AccessLine.ends_at.type)).where(
        AccessLine.member_id == member_id,
        AccessLine.key == value["key"],
        AccessLine.ended_at.is_(None),
        AccessLine.ends_at >= now - grace,
    )
    return session.scalar(latest)


def _ends(calendar: Calendar, base: date, days: int | None) -> datetime | None:
    return calendar.last_second(base + timedelta(days=days)) if days else None


def move_up(lines: Sequence[AccessLine], calendar: Calendar, *, now: datetime) -> None:
    """After one of a person's periods of one key was taken back: what waited for its end begins sooner, for as long."""
    until: datetime | None = None
    for line in sorted(lines, key=lambda each: (each.starts_at, each.id)):
        if line.starts_at > now:
            days = _days(line, calendar)
            joins_on = until if until and until >= now else None
            line.starts_at = joins_on + ONE_SECOND if joins_on else now
            line.ends_at = _ends(calendar, calendar.day_of(joins_on or now), days)
        until = max(filter(None, (until, line.ends_at)), default=None)


def _days(line: AccessLine, calendar: Calendar) -> int | None:
    """How long it lasts, as it was given: what joins on to an end begins the day after it."""
    if line.ends_at is None:
        return None
    return (calendar.day_of(line.ends_at) - calendar.day_of(line.starts_at - ONE_SECOND)).days
