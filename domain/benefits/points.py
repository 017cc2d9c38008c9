"""Points: one line of the ledger, usable at once."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.points import PointLine
from models.session import insert_for


def give(session: Session, *, member_id: int, value: int, cause: str, now: datetime) -> PointLine | None:
    """`value` is how many. None when given before for this cause."""
    values = {
        "member_id": member_id, "points": value, "reason": "granted", "at": now, "usable_at": now, "cause": cause,
    }  # fmt: skip
    statement = insert_for(session)(PointLine).values(values).on_conflict_do_nothing(index_elements=["cause"])
    row = session.execute(statement.returning(PointLine.id)).first()
    return session.get(PointLine, row.id) if row else None
