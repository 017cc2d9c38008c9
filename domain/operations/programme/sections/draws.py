"""`draws:` lotteries that anyone can check. Once somebody holds a ticket, prizes and closing stay as published."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import drawing
from domain.operations.programme.sections._benefits import check_benefit
from domain.operations.programme.sections._section import Listed, Shape, Whole
from domain.operations.programme.sections._words import Texts, wrong
from models import mission


class Prize(Shape):
    benefit: dict[str, Any]
    count: int = Field(1, ge=1, le=100_000)


class Draw(Listed):
    table = mission.Draw

    name: Texts
    prizes: list[Prize] = Field(min_length=1)
    closes_at: AwareDatetime
    one_prize_each: bool = True

    def check(self, where: str, whole: Whole) -> None:
        for n, prize in enumerate(self.prizes):
            check_benefit(f"{where}.prizes.{n}", prize.benefit, whole)
            if "ticket" in prize.benefit:
                wrong(f"{where}.prizes.{n}", "a ticket is no prize")

    @classmethod
    def before_new(cls, session: Session, row: Any, *, now: datetime) -> None:
        drawing.publish(row, now=now)

    def written(self, session: Session, row: Any, changed: Collection[str], *, now: datetime) -> None:
        promised = {"prizes", "closes_at", "one_prize_each"} & set(changed)
        if promised and drawing.has_begun(session, row):
            wrong(f"draws.{self.key}.{min(promised)}", "people hold tickets on what was published; begin a new draw")
        if "archived" in changed and row.drawn_at is not None:
            wrong(f"draws.{self.key}", "this draw is over; give a new one a key of its own")

    @classmethod
    def can_retire(cls, session: Session, row: Any) -> bool:
        """An open draw that people hold tickets of stays until it is drawn."""
        held = select(mission.Ticket.id).where(mission.Ticket.draw_id == row.id).limit(1)
        return row.drawn_at is not None or session.scalar(held) is None
