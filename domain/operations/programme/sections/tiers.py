"""`tiers:` the ladder, from what everyone has to what takes most."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.operations.programme.sections._section import Listed, Whole
from domain.operations.programme.sections._words import Colour, Lines, Texts, wrong
from models import programme


class Tier(Listed):
    table = programme.Tier
    order = "rank"
    money = ("threshold",)

    name: Texts
    threshold: Decimal = Field(Decimal(0), ge=0)
    colour: Colour | None = None
    benefits: Lines = {}

    @classmethod
    def check_all(cls, items: Sequence[Any], whole: Whole) -> None:
        thresholds = [tier.threshold for tier in items]
        if thresholds and (thresholds[0] != 0 or thresholds != sorted(set(thresholds))):
            wrong("tiers", "thresholds start at 0 and rise from tier to tier")

    @classmethod
    def before_new(cls, session: Session, row: Any, *, now: datetime) -> None:
        row.rank = 1_000 + session.scalars(select(func.count()).select_from(programme.Tier)).one()  # put in order below

    @classmethod
    def settled(cls, session: Session, items: Sequence[Any], *, now: datetime) -> None:
        _put_in_order(session, {item.key for item in items})


def _put_in_order(session: Session, ours: set[str]) -> None:
    """Ranks follow the thresholds, and of two alike the file's own is the higher; ranks are unique at every moment."""
    rows = sorted(session.scalars(select(programme.Tier)), key=lambda row: (row.threshold, row.key in ours))
    if [row.rank for row in rows] == list(range(len(rows))):
        return
    for offset in (10_000, 0):
        for n, row in enumerate(rows):
            row.rank = offset + n
        session.flush()
