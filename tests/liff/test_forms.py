"""Answering a form from the mini-app."""

from typing import Any

import pytest
from sqlalchemy import select

from models.event import Event
from models.member import Member
from models.programme import Form, FormAnswer, MemberTag, Tag
from models.session import Sessions
from models.staff import StaffNote

MEI = "U" + "1" * 32
QUESTIONS = [
    {
        "key": "skin", "label": {"en": "Your skin?"}, "kind": "choice", "field": "skin", "required": True,
        "options": [{"value": "dry", "label": {"en": "Dry"}, "tag": "dry_skin"}, {"value": "oily"}],
    },
    {"key": "likes", "label": {"en": "You like"}, "kind": "choices", "options": [{"value": "a"}, {"value": "b"}]},
    {"key": "nps", "label": {"en": "Would you recommend us?"}, "kind": "score"},
    {"key": "words", "label": {"en": "Anything else?"}, "kind": "text"},
]  # fmt: skip


@pytest.fixture(autouse=True)
def form(sessions: Sessions) -> None:
    with sessions.writing() as session:
        session.add(Form(key="skin", title={"en": "Your skin"}, questions=QUESTIONS))
        session.add(Tag(key="dry_skin", name={"en": "Dry skin"}))
        session.commit()


def test_answers_become_fields_tags_and_a_completed_conversion(phone: Any, sessions: Sessions) -> None:
    phone.open_as(MEI)
    phone.post("/openings", {"page": "forms/skin"})
    asked = phone.get("/forms/skin").json
    assert [question["kind"] for question in asked["questions"]] == ["choice", "choices", "score", "text"]
    answers = {"skin": "dry", "likes": ["a"], "nps": 9, "words": None}
    assert phone.post("/forms/skin/answers", {"answers": answers}).status_code == 204
    with sessions.reading() as session:
        member = session.scalars(select(Member)).one()
        assert member.custom == {"skin": "dry"}
        assert session.scalars(select(MemberTag)).one().evidence["form"] == "skin"
        kinds = [event.kind for event in session.scalars(select(Event).order_by(Event.id))]
        assert kinds == ["opened_app", "conversion_started", "answered", "tagged", "conversion_completed"]
        assert session.scalars(select(StaffNote)).all() == []


def test_a_low_score_becomes_a_task_for_staff(phone: Any, sessions: Sessions) -> None:
    phone.open_as(MEI)
    phone.post("/forms/skin/answers", {"answers": {"skin": "oily", "nps": 6}})
    with sessions.reading() as session:
        task = session.scalars(select(StaffNote)).one()
        assert task.kind == "task"
        assert "6" in task.text


def test_answering_twice_on_a_day_is_once(phone: Any, sessions: Sessions) -> None:
    phone.open_as(MEI)
    phone.post("/forms/skin/answers", {"answers": {"skin": "oily"}})
    again = phone.post("/forms/skin/answers", {"answers": {"skin": "dry"}})
    assert (again.status_code, again.json["code"]) == (409, "already_answered")
    assert phone.get("/forms/skin").json["answered"] is True
    with sessions.reading() as session:
        assert session.scalars(select(FormAnswer)).one().answers == {"skin": "oily"}


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({}, "skin"),
        ({"skin": "purple"}, "skin"),
        ({"skin": ["dry"]}, "skin"),
        ({"skin": "dry", "likes": ["z"]}, "likes"),
        ({"skin": "dry", "nps": 11}, "nps"),
        ({"skin": "dry", "what": "ever"}, "what"),
    ],
)
def test_what_does_not_fit_names_its_question(phone: Any, answers: dict[str, Any], field: str) -> None:
    phone.open_as(MEI)
    refused = phone.post("/forms/skin/answers", {"answers": answers})
    assert (refused.status_code, refused.json["field"]) == (422, field)


QUIZ = [
    {"key": "where", "kind": "choice", "options": [{"value": "alishan", "right": True}, {"value": "ikea"}]},
    {
        "key": "greens", "kind": "choices",
        "options": [{"value": "sencha", "right": True}, {"value": "longjing", "right": True}, {"value": "assam"}],
    },
]  # fmt: skip
BANDS = [
    {"at_least": 0, "text": {"en": "Come and taste."}, "path": "/book"},
    {
        "at_least": 2,
        "text": {"en": "A connoisseur."},
        "path": "/coupons",
        "button": {"en": "Your gift"},
        "tag": "expert",
    },
]


@pytest.mark.parametrize(
    ("answers", "score", "path", "tags"),
    [
        ({"where": "alishan", "greens": ["longjing", "sencha"]}, 2, "/coupons", ["expert"]),
        ({"where": "alishan", "greens": ["sencha"]}, 1, "/book", []),
        ({"where": "ikea", "greens": ["sencha", "longjing", "assam"]}, 0, "/book", []),
    ],
)
def test_a_quiz_counts_right_answers_and_leads_on(
    phone: Any, sessions: Sessions, answers: dict[str, Any], score: int, path: str, tags: list[str]
) -> None:
    """M84: of several choices all the right ones and no other; what follows depends on how many were right."""
    with sessions.writing() as session:
        session.add(Form(key="quiz", title={"en": "Tea"}, kind="quiz", questions=QUIZ, bands=BANDS))
        session.add(Tag(key="expert", name={"en": "Knows tea"}))
        session.commit()
    phone.open_as(MEI)
    asked = phone.get("/forms/quiz")
    assert "right" not in asked.text
    assert asked.json["outcome"] is None
    assert phone.post("/forms/quiz/answers", {"answers": answers}).status_code == 204
    came = phone.get("/forms/quiz").json["outcome"]
    assert (came["score"], came["highest"], came["path"]) == (score, 2, path)
    with sessions.reading() as session:
        assert [row.score for row in session.scalars(select(FormAnswer))] == [score]
        given = select(Tag.key).join(MemberTag, MemberTag.tag_id == Tag.id)
        assert list(session.scalars(given)) == tags


def test_a_low_survey_score_is_a_case_of_care_and_a_quiz_never_is(phone: Any, sessions: Sessions) -> None:
    with sessions.writing() as session:
        questions = [{"key": "nps", "kind": "score"}]
        session.add(Form(key="nps", kind="nps", questions=questions))
        session.add(Form(key="quiz", kind="quiz", questions=QUIZ))
        session.commit()
    phone.open_as(MEI)
    phone.post("/forms/nps/answers", {"answers": {"nps": 6}})
    phone.post("/forms/quiz/answers", {"answers": {"where": "ikea"}})
    with sessions.reading() as session:
        assert [note.kind for note in session.scalars(select(StaffNote))] == ["care"]
