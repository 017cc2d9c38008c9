"""Lottery tickets: so many in a draw, as long as it is open."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Gone, NotFound
from domain.wording import mark
from models.merge import via_of
from models.mission import Draw, Ticket
from models.session import insert_for

MOST = 100  # at once


def wrong(value: Any, keys: Callable[[str], set[str]]) -> str | None:
    """What a programme file's value for this kind is wrong about; `keys(section)` are those of the file."""
    said = value if isinstance(value, dict) else {"draw": value}
    if not {"draw"} <= said.keys() <= {"draw", "count"}:
        return "a ticket is {draw: key, count: 1}"
    if said["draw"] not in keys("draws"):
        return f"there is no draw {said['draw']!r}"
    count = said.get("count", 1)
    is_count = isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= MOST
    return None if is_count else f"the count of tickets is a whole number from 1 to {MOST}"


def give(
    session: Session, *, member_id: int, value: str | dict[str, Any], cause: str, now: datetime
) -> list[Ticket] | None:
    """`value` is the draw's key, or {"draw": key, "count": n}. None when given before for `cause`.

    Raises Gone once the draw has closed, NotFound where there is none.
    """
    said = value if isinstance(value, dict) else {"draw": value}
    draw = session.scalar(select(Draw).where(Draw.key == said["draw"]))
    if draw is None:
        raise NotFound(mark("There is no such draw. See what else there is."), code="draw_not_found")
    if draw.archived_at is not None or draw.drawn_at is not None or now >= draw.closes_at:
        raise Gone(
            mark("This draw has closed, so there are no more tickets. See what else there is."), code="draw_closed"
        )
    values = [
        {
            "ref": _new_ref(), "draw_id": draw.id, "member_id": member_id, "via_id": via_of(session, member_id),
            "cause": each, "at": now,
        }
        for each in causes(cause, int(said.get("count", 1)))
    ]  # fmt: skip
    statement = insert_for(session)(Ticket).values(values).on_conflict_do_nothing(index_elements=["cause"])
    return list(session.scalars(statement.returning(Ticket))) or None


def causes(cause: str, count: int) -> list[str]:
    """What each of several tickets of one cause is called."""
    return [cause, *(f"{cause}#{n}" for n in range(2, count + 1))]


def _new_ref() -> str:
    """Short enough to be read aloud, and telling nothing of whose it is."""
    return "T" + "".join(secrets.choice("23456789ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(9))
