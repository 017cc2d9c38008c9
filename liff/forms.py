"""Forms: questionnaires built from data; answers become fields and tags."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

import door
from domain.operations import answering
from domain.wording import pick
from liff import session
from liff.screens import Shape, api_blueprint
from models.programme import Form, FormAnswer

forms: APIBlueprint = api_blueprint("forms", __name__)


class OptionOut(Shape):
    value: str
    label: str


class QuestionOut(Shape):
    key: str
    label: str
    kind: str = Field(description="choice, choices, text, score or date")
    required: bool
    options: list[OptionOut]
    low: int
    high: int


class Outcome(Shape):
    """What the last answer came to, and what may be next."""

    score: int | None = Field(description="Of a quiz, how many were right; of a survey, the score given")
    highest: int | None
    is_quiz: bool
    words: str
    path: str | None = Field(description="A mini-app page to go on to, such as /coupons")
    button: str


class FormOut(Shape):
    key: str
    title: str
    intro: str
    answered: bool = Field(description="Sent by this person today already")
    questions: list[QuestionOut]
    outcome: Outcome | None = Field(description="Once answered today")


class Answers(Shape):
    answers: dict[str, str | int | list[str] | None] = Field(description="By question key", max_length=100)


@forms.get("/forms/<key>")
@forms.output(FormOut)
def show_form(key: str) -> FormOut:
    """The questions."""
    me, db = session.person(), door.session()
    form = answering.the_form(db, key)
    answered = answering.answered_today(db, me, form, now=door.now())
    return FormOut(
        key=form.key, title=pick(form.title, door.language()), intro=pick(form.intro, door.language()),
        answered=answered, questions=[_question(each) for each in form.questions],
        outcome=_outcome(form, answering.latest(db, me, form)) if answered else None,
    )  # fmt: skip


def _outcome(form: Form, row: FormAnswer | None) -> Outcome | None:
    if row is None:
        return None
    band = answering.band_of(form, row.score) or {}
    return Outcome(
        score=row.score, highest=answering.highest_score(form), is_quiz=form.kind == "quiz",
        words=pick(band.get("text"), door.language()), path=band.get("path"),
        button=pick(band.get("button"), door.language()) or door.words("Go on"),
    )  # fmt: skip


@forms.post("/forms/<key>/answers")
@forms.input(Answers)
@forms.output({}, status_code=204)
def answer(key: str, json_data: Answers) -> Response:
    """Send the answers."""
    answering.answer(
        door.session(), session.person(), form_key=key, answers=dict(json_data.answers), trace=session.trace(),
        now=door.now(),
    )  # fmt: skip
    door.session().commit()
    return Response(status=204)


def _question(question: dict[str, Any]) -> QuestionOut:
    low, high = answering.scale(question)
    options = [
        OptionOut(value=each["value"], label=pick(each.get("label"), door.language()) or each["value"])
        for each in question.get("options", ())
    ]
    return QuestionOut(
        key=question["key"], label=pick(question.get("label"), door.language()), kind=question["kind"],
        required=bool(question.get("required")), options=options, low=low, high=high,
    )  # fmt: skip
