"""What a survey says: its figure with the interval, how the scores spread, and what people wrote.

Of each member the latest answer counts (definitions §10).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import Session

from domain.metrics._intervals import Interval, wilson
from domain.metrics._surveys import latest_answers
from domain.metrics.csat import SATISFIED
from domain.metrics.nps import DETRACTORS, PROMOTERS, Nps, nps
from domain.rules import compile_rule, context_of
from models.member import Friend, Member
from models.programme import Form, FormAnswer

KINDS = ("nps", "csat", "quiz", "form")
PAGE = 30


@dataclass(frozen=True)
class Result:
    """The scores of the latest answers, by score; what they come to depends on the kind of survey."""

    kind: str
    scores: dict[int, int]

    @property
    def n(self) -> int:
        return sum(self.scores.values())

    @property
    def high(self) -> int:
        """Promoters (9 and 10 of ten) or satisfied (4 and 5 of five)."""
        return self._many(PROMOTERS if self.kind == "nps" else SATISFIED, 1000)

    @property
    def low(self) -> int:
        """Detractors: 0 to 6 of ten."""
        return self._many(0, DETRACTORS)

    @property
    def nps(self) -> Nps | None:
        """None for other surveys, and below 30 answers."""
        return nps(self.high, self.low, self.n) if self.kind == "nps" else None

    @property
    def csat(self) -> Interval | None:
        """Around the share of satisfied; None for other surveys, and without answers."""
        return wilson(self.high, self.n) if self.kind == "csat" and self.n else None

    @property
    def mean(self) -> float | None:
        return sum(score * n for score, n in self.scores.items()) / self.n if self.n else None

    def _many(self, first: int, last: int) -> int:
        return sum(n for score, n in self.scores.items() if first <= score <= last)


@dataclass(frozen=True)
class Comment:
    """What one person wrote, with their score; `id` pages on."""

    id: int
    ref: str
    name: str | None
    score: int | None
    words: list[str]
    at: datetime


def result(session: Session, form: Form, *, rule: dict[str, Any] | None = None, now: datetime) -> Result:
    """The survey's scores; with a rule, of the members it holds for now."""
    given = latest_answers(KINDS, until=now, form_id=form.id).subquery("given")
    counted = select(given.c.score, func.count()).join(Member, Member.id == given.c.member_id)
    rows = session.execute(counted.where(_among(session, rule, now)).group_by(given.c.score))
    return Result(form.kind, dict(sorted((score, count) for score, count in rows)))


def people(session: Session, form: Form, *, low: int, high: int, now: datetime) -> Select[int]:
    """Ids of the members whose latest score lies between."""
    given = latest_answers(KINDS, until=now, form_id=form.id).subquery("given")
    return select(given.c.member_id).where(given.c.score.between(low, high))


def comments(
    session: Session, form: Form, *, rule: dict[str, Any] | None = None, before: int | None = None, now: datetime
) -> list[Comment]:
    """What people wrote in their own words, the newest first, before the answer of that id."""
    keys = [question["key"] for question in form.questions if question["kind"] == "text"]
    if not keys:
        return []
    written = (
        select(FormAnswer, Member, Friend.display_name)
        .join(Member, Member.id == FormAnswer.member_id)
        .outerjoin(Friend, Friend.member_id == Member.id)
        .where(FormAnswer.form_id == form.id, Member.erased_at.is_(None), _among(session, rule, now), _says(keys))
    )
    if before is not None:
        written = written.where(FormAnswer.id < before)
    rows = session.execute(written.order_by(FormAnswer.id.desc()).limit(PAGE))
    return [
        Comment(row.id, member.ref, member.name or name, row.score, _words(row, keys), row.submitted_at)
        for row, member, name in rows
    ]


def answers(session: Session, *, now: datetime) -> dict[int, int]:
    """How many answers each form has had."""
    counted = select(FormAnswer.form_id, func.count()).where(FormAnswer.submitted_at <= now)
    return dict(session.execute(counted.group_by(FormAnswer.form_id)).all())


def _among(session: Session, rule: dict[str, Any] | None, now: datetime) -> ColumnElement[bool]:
    return true() if rule is None else compile_rule(rule, context_of(session, now))


def _says(keys: Sequence[str]) -> ColumnElement[bool]:
    """Something stands in one of the text questions."""
    return or_(*(FormAnswer.answers[key].as_string().is_not(None) for key in keys))


def _words(row: FormAnswer, keys: Sequence[str]) -> list[str]:
    return [str(row.answers[key]) for key in keys if row.answers.get(key)]
