"""`tags:` words about people, given by a rule, by hand or by an action."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.operations.programme.sections._rules import holding
from domain.operations.programme.sections._section import Listed, Touch
from domain.operations.programme.sections._words import Rule, Texts
from domain.wording import mark
from models import programme


class Tag(Listed):
    table = programme.Tag
    versioned = (("rule",), "rule_version")

    name: Texts
    kind: Literal["interest", "behaviour", "preference", "need", "life_stage", "value", "profile", "system"] = (
        "behaviour"
    )
    counts_for_coverage: bool = True
    life_days: int | None = Field(None, ge=1)
    rule: Rule = None

    @classmethod
    def touches(cls, session: Session, row: Any, item: Any, changed: Collection[str], *, now: datetime) -> list[Touch]:
        worn = _worn(session, row) if row is not None else 0
        if item is None:
            return [Touch(mark("%(n)s people have it now and keep it until it runs out."), {"n": worn})]
        if item.rule is None or (row is not None and "rule" not in changed):
            return []
        holds = holding(session, item.rule, now=now)
        return [Touch(mark("The rule holds for %(n)s people; %(old)s have the tag now."), {"n": holds, "old": worn})]


def _worn(session: Session, tag: programme.Tag) -> int:
    worn = programme.MemberTag
    return session.scalars(select(func.count()).where(worn.tag_id == tag.id, worn.removed_at.is_(None))).one()
