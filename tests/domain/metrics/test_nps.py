"""NPS: promoters minus detractors of the latest answers, with its standard error."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from domain.metrics.nps import nps
from domain.reports import survey_results
from models.member import Member
from models.programme import Form, FormAnswer
from tests.support.factories import make_member
from tests.support.journey import figure, local, share


def make_survey(session: Session, kind: str = "nps", **fields: Any) -> Form:
    questions = [{"key": "score", "kind": "score"}, {"key": "why", "kind": "text"}]
    form = Form(key=f"survey-{kind}", kind=kind, questions=questions, **fields)
    session.add(form)
    session.flush()
    return form


def gave(session: Session, member: Member, form: Form, score: int, at: datetime, why: str = "") -> None:
    answers = {"score": score, **({"why": why} if why else {})}
    session.add(FormAnswer(form_id=form.id, member_id=member.id, answers=answers, score=score, submitted_at=at))
    session.flush()


def answered_by(session: Session, form: Form, scores: list[int], at: datetime) -> list[Member]:
    people = [make_member(session, friend=False) for _ in scores]
    for member, score in zip(people, scores, strict=True):
        gave(session, member, form, score, at)
    return people


def test_EX_21_fifty_promoters_and_twenty_detractors_of_a_hundred(session: Session, now: datetime) -> None:
    form = make_survey(session)
    answered_by(session, form, [9, 10] * 25 + [7, 8] * 15 + [0, 6] * 10, now - timedelta(days=1))
    found = survey_results.result(session, form, now=now).nps
    assert found is not None
    assert found.value == pytest.approx(30)
    assert (round(found.low, 1), round(found.high, 1)) == (14.7, 45.3)


def test_below_thirty_answers_there_is_no_score() -> None:
    assert nps(20, 0, 29) is None
    assert nps(20, 0, 30) is not None


def test_of_a_member_the_latest_answer_counts(session: Session, now: datetime) -> None:
    form = make_survey(session)
    (member,) = answered_by(session, form, [2], now - timedelta(days=9))
    gave(session, member, form, 10, now - timedelta(days=1))
    answered_by(session, form, [5], now - timedelta(days=1))
    assert survey_results.result(session, form, now=now).scores == {5: 1, 10: 1}
    assert survey_results.result(session, form, now=now - timedelta(days=2)).scores == {2: 1}


def test_the_months_figure_counts_promoters_and_detractors_beside(session: Session) -> None:
    form = make_survey(session)
    answered_by(session, form, [9, 10, 7, 3], local(session, date(2026, 2, 28), 23))
    answered_by(session, form, [9], local(session, date(2026, 3, 1), 0))
    test_person = make_member(session, is_test=True)
    gave(session, test_person, form, 10, local(session, date(2026, 2, 3)))
    found = figure(session, "nps", "2026-02", as_of=local(session, date(2026, 3, 9)))
    assert (share(found), found.asides["detractors"]) == ((2, 4), 1)
    assert share(found.parts["survey-nps"]) == (2, 4)


def test_a_survey_can_be_read_for_some_members_alone(session: Session, now: datetime) -> None:
    form = make_survey(session)
    people = answered_by(session, form, [1, 9], now - timedelta(days=1))
    people[0].gender = "female"
    session.flush()
    rule = {"condition": "gender_is", "genders": ["female"]}
    assert survey_results.result(session, form, rule=rule, now=now).scores == {1: 1}
    found = survey_results.people(session, form, low=0, high=6, now=now)
    assert session.scalars(found).all() == [people[0].id]


def test_what_people_wrote_is_read_newest_first_page_by_page(session: Session, now: datetime) -> None:
    form = make_survey(session)
    for n in range(survey_results.PAGE + 2):
        gave(session, make_member(session, friend=False), form, 5, now - timedelta(days=1), why=f"words {n}")
    gave(session, make_member(session, friend=False), form, 5, now)
    first = survey_results.comments(session, form, now=now)
    rest = survey_results.comments(session, form, before=first[-1].id, now=now)
    assert [each.words[0] for each in first[:2]] == [f"words {survey_results.PAGE + 1}", f"words {survey_results.PAGE}"]
    assert [each.words for each in rest] == [["words 1"], ["words 0"]]
