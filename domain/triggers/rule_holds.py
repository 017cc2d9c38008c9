"""A rule becomes true of the person. Whoever it held for when the automation was switched on does not enter.

It becomes true again only after it has stopped being true (`Enrolment.over_at`).
"""

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain import rules, triggers
from domain.wording import say
from models.automation import Enrolment
from models.member import Member


class Params(triggers.Params):
    rule: dict[str, Any]


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    context = rules.context_of(session, window.now)
    known = exists().where(
        Enrolment.automation_id == window.automation_id, Enrolment.member_id == Member.id, Enrolment.over_at.is_(None)
    )
    people = select(Member.id).where(rules.compile_rule(params.rule, context), ~known)
    evidence = {"rule": params.rule}
    cause = f"rule:{window.now.isoformat()}"
    return [triggers.Entry(member_id, cause, window.now, evidence) for member_id in session.scalars(people)]


def words(params: Params, language: str) -> str:
    return say(language, "when this becomes true: %(rule)s", rule=rules.sentence(params.rule, language))
