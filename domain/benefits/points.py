"""Points: one line of the ledger, usable at once, good as long as earned ones or for so many days."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.scores._point_terms import Terms, ends, terms_from
from models.merge import via_of
from models.points import PointLine
from models.programme import the_brand
from models.session import insert_for


def wrong(value: Any, keys: Callable[[str], set[str]]) -> str | None:
    """What a programme file's value for this kind is wrong about; `keys(section)` are those of the file."""
    if isinstance(value, dict) and value.keys() <= {"points", "days"} and _is_count(value.get("days", 1)):
        value = value.get("points")
    return None if _is_count(value) else "points are a whole number above 0, or {points: 50, days: 30}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def give(
    session: Session,
    *,
    member_id: int,
    value: int | dict[str, int],
    cause: str,
    evidence: Mapping[str, Any] | None = None,
    now: datetime,
) -> PointLine | None:
    """`value` is how many, or {"points": 50, "days": 30} for some that end sooner. None when given before for `cause`.

    The caller brings the person's lots in step.
    """
    said = value if isinstance(value, dict) else {"points": value}
    calendar = calendar_of(session)
    today, terms = calendar.day_of(now), terms_from(the_brand(session).points)
    if "days" in said:
        terms = Terms(since=today, expire_days=said["days"])
    values = {
        "member_id": member_id, "via_id": via_of(session, member_id),
        "points": said["points"], "reason": "granted", "at": now, "usable_at": now,
        "expires_at": ends(terms, today, calendar), "cause": cause, "evidence": dict(evidence or {}),
    }  # fmt: skip
    statement = insert_for(session)(PointLine).values(values).on_conflict_do_nothing(index_elements=["cause"])
    row = session.execute(statement.returning(PointLine.id)).first()
    return session.get(PointLine, row.id) if row else None
