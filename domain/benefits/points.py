"""Points: one line of the ledger, usable at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.points import PointLine
from models.session import insert_for


def wrong(value: Any, keys: Callable[[str], set[str]]) -> str | None:
    """What a programme file's value for this kind is wrong about; `keys(section)` are those of the file."""
    return None if isinstance(value, int) and value > 0 else "points are a whole number above 0"


def give(session: Session, *, member_id: int, value: int, cause: str, now: datetime) -> PointLine | None:
    """`value` is how many. None when given before for this cause."""
    values = {
        "member_id": member_id, "points": value, "reason": "granted", "at": now, "usable_at": now, "cause": cause,
    }  # fmt: skip
    statement = insert_for(session)(PointLine).values(values).on_conflict_do_nothing(index_elements=["cause"])
    row = session.execute(statement.returning(PointLine.id)).first()
    return session.get(PointLine, row.id) if row else None
