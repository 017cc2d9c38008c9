"""Where someone stands in their own rhythm of buying: early, due, late or very late.

Days since the last purchase against the person's cycle: due in the last fifth before it has run, late from the due
day on, very late after twice the cycle. It rests on the gaps of those who came back (definitions §9).
"""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case

from domain.wording import mark

STATES = {
    "early": mark("Early: not due yet"),
    "due": mark("Due soon"),
    "late": mark("Late"),
    "very_late": mark("Very late"),
}


def state(since: Any, cycle: Any) -> ColumnElement[str]:
    """From days since the last purchase and the cycle, both columns of whole days."""
    return case(
        (since * 5 < cycle * 4, "early"), (since < cycle, "due"), (since <= cycle * 2, "late"), else_="very_late"
    )


def state_of(last_day: date | None, cycle: int | None, today: date) -> str | None:
    """The same of one person; None for who has no cycle."""
    if last_day is None or cycle is None:
        return None
    since = (today - last_day).days
    return (
        "early" if since * 5 < cycle * 4 else "due" if since < cycle else "late" if since <= cycle * 2 else "very_late"
    )
