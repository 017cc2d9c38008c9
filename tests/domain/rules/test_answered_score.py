"""The rule about survey scores: the latest answer decides, for one and for all."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.rules import compile_rule, context_of, holds_for, names_of, sentence, validate
from models.member import Member
from tests.domain.metrics.test_nps import gave, make_survey
from tests.support.factories import make_member
from tests.support.moments import NOW

LOW = {"condition": "answered_score", "form": "survey-nps", "at_least": 0, "at_most": 6}


def people(session: Session, rule: dict[str, Any]) -> set[int]:
    return set(session.scalars(select(Member.id).where(compile_rule(validate(rule), context_of(session, NOW)))))


def test_the_latest_answer_decides(session: Session) -> None:
    form = make_survey(session, title={"en": "How was it"})
    better, worse, never = make_member(session), make_member(session), make_member(session)
    for member, scores in ((better, (3, 9)), (worse, (9, 6))):
        for days, score in zip((20, 10), scores, strict=True):
            gave(session, member, form, score, NOW - timedelta(days=days))
    assert people(session, LOW) == {worse.id}
    assert people(session, {**LOW, "days": 5}) == set()
    assert people(session, {**LOW, "at_least": 9, "at_most": 10}) == {better.id}
    assert never.id in people(session, {"not": LOW})
    assert holds_for(session, LOW, worse.id, context_of(session, NOW))
    assert sentence(LOW, "en", names_of(session, "en")) == "last answered “How was it” with 0 to 6"
