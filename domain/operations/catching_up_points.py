"""Whose points the night looks at: orders that changed lately, and all of them once points begin on an earlier day."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.scores._point_terms import CAUGHT_UP
from models.event import Event
from models.programme import the_brand
from models.purchase import Purchase

LATELY = timedelta(days=3)


def lately(session: Session, *, now: datetime, machine_now: datetime) -> set[int]:
    """Whose orders were recorded, netted or given to someone in the last days, or picked up.

    Had whoever recorded them been killed before settling, it is made up.
    """
    changed = select(Purchase.member_id).where(Purchase.changed_at >= machine_now - LATELY)
    picked_up = select(Event.member_id).where(Event.recorded_at >= now - LATELY, Event.kind == "picked_up")
    return {each for query in (changed, picked_up) for each in session.scalars(query.distinct()) if each is not None}


def is_behind(session: Session) -> date | None:
    """The day from which orders have to be gone through: points begin on an earlier day than ever before."""
    stored: Mapping[str, Any] = the_brand(session).points
    first, known = stored.get("since"), stored.get(CAUGHT_UP)
    return date.fromisoformat(first) if first and (known is None or first < known) else None


def some_since(session: Session, day: date, *, after: int, limit: int) -> list[int]:
    """The next people in the order of their ids who bought something from that day on."""
    buyers = select(Purchase.member_id).where(Purchase.member_id > after, Purchase.day >= day)
    found = session.scalars(buyers.distinct().order_by(Purchase.member_id).limit(limit))
    return [each for each in found if each is not None]


def caught_up(session: Session, day: date) -> None:
    """Every order from that day on has earned."""
    brand = the_brand(session)
    brand.points = {**brand.points, CAUGHT_UP: day.isoformat()}
