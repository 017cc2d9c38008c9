"""Survey results: the figure in a sentence, the spread opening into people, the words."""

from collections.abc import Callable
from typing import Any

import pytest

from models.session import Sessions
from tests.domain.metrics.test_nps import answered_by, gave, make_survey
from tests.support.factories import make_member
from tests.support.moments import NOW

SignIn = Callable[..., Any]


@pytest.fixture
def survey(sessions: Sessions) -> str:
    with sessions.writing() as session:
        form = make_survey(session, title={"en": "Would you?"})
        answered_by(session, form, [9] * 20 + [7] * 5 + [3] * 5, NOW)
        gave(session, make_member(session, name="Mei", gender="female"), form, 10, NOW, why="Lovely <b>tea</b>")
        session.commit()
        return form.key


def test_the_answer_comes_first_and_opens_into_people(signed_in: SignIn, survey: str) -> None:
    desk = signed_in("viewer")
    assert "NPS +52" in desk.get("/console/surveys/").text
    page = desk.get(f"/console/surveys/{survey}").text
    assert "21 of 31 would recommend us, 5 would not" in page
    assert "Lovely &lt;b&gt;tea" in page
    people = desk.get(f"/console/surveys/{survey}/people?low=3&high=3").text
    assert "5 people" in people


def test_narrowed_to_a_segment(signed_in: SignIn, sessions: Sessions, survey: str) -> None:
    from models.programme import Segment

    with sessions.writing() as session:
        rule = {"condition": "gender_is", "genders": ["female"]}
        session.add(Segment(key="women", name="Women", rule=rule, created_at=NOW))
        session.commit()
    page = signed_in("viewer").get(f"/console/surveys/{survey}?segment=women").text
    assert "1 of 1 would recommend us" in page
    assert "among Women" in page


def test_an_unknown_survey_says_so(signed_in: SignIn) -> None:
    assert signed_in("viewer").get("/console/surveys/nothing").status_code == 404
