"""`segments:` saved rules about people."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.operations.programme.sections._rules import holding
from domain.operations.programme.sections._section import Listed, Touch
from domain.operations.programme.sections._words import Rule
from domain.wording import mark
from models import programme


class Segment(Listed):
    table = programme.Segment
    versioned = (("rule",), "version")

    name: str
    rule: Rule

    @classmethod
    def touches(cls, session: Session, row: Any, item: Any, changed: Collection[str], *, now: datetime) -> list[Touch]:
        if item is None or (row is not None and "rule" not in changed):
            return []
        holds = {"n": holding(session, item.rule, now=now)}
        if row is None:
            return [Touch(mark("%(n)s people are in it."), holds)]
        before = holding(session, row.rule, now=now)
        return [Touch(mark("%(n)s people are in it; before, %(old)s."), {**holds, "old": before})]
