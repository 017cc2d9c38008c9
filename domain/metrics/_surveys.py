"""Answers to surveys: of each member the latest to each survey (definitions §10)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from domain.metrics._people import counts
from domain.metrics._shape import Rows
from models.member import Member
from models.programme import Form, FormAnswer


def latest_answers(
    kinds: Sequence[str], *, since: datetime | None = None, until: datetime, form_id: int | None = None
) -> Rows:
    """`id`, `member_id`, `part` (the survey's key), `score` and `submitted_at` of each member's latest answer.

    Of those given from `since` on and before `until`. Test people, staff and the erased are left out.
    """
    newest_first = (FormAnswer.submitted_at.desc(), FormAnswer.id.desc())
    rank = func.row_number().over(partition_by=(FormAnswer.form_id, FormAnswer.member_id), order_by=newest_first)
    query = (
        select(
            FormAnswer.id, FormAnswer.member_id, Form.key.label("part"), FormAnswer.score, FormAnswer.submitted_at,
            rank.label("place"),
        )
        .join(Form, Form.id == FormAnswer.form_id)
        .join(Member, Member.id == FormAnswer.member_id)
        .where(counts(), Form.kind.in_(kinds), FormAnswer.score.is_not(None), FormAnswer.submitted_at < until)
    )  # fmt: skip
    if since is not None:
        query = query.where(FormAnswer.submitted_at >= since)
    if form_id is not None:
        query = query.where(FormAnswer.form_id == form_id)
    ranked = query.subquery("ranked")
    named = ranked.c
    return select(named.id, named.member_id, named.part, named.score, named.submitted_at).where(named.place == 1)
