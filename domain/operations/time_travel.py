"""Moves the practice town's time forward. Time never goes back, and never leaves practice mode."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.wording import mark
from models.clock import PracticeClock

LONGEST_SECONDS = 400 * 86_400


def advance(session: Session, *, seconds: object, now: datetime) -> None:
    """Sets the target `seconds` further on; the clock process walks there day by day.

    Raises Invalid for anything but 1 second to 400 days.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds <= LONGEST_SECONDS:
        raise Invalid(mark("Time was not moved: say how many seconds to go forward, from 1 to 34,560,000."))
    row = session.get(PracticeClock, 1)
    if row is None:
        row = PracticeClock(id=1, offset_seconds=0, target_seconds=0, started_from=0)
        session.add(row)
    if row.offset_seconds >= row.target_seconds:
        row.started_from = row.offset_seconds
    row.target_seconds = max(row.target_seconds, row.offset_seconds) + seconds
    session.flush()
