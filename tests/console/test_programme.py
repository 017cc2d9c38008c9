"""The programme on the console: the owner sees what would change before it does; a wrong file changes nothing."""

from typing import Any

import pytest
from sqlalchemy import select

from models.programme import Tier
from models.session import Sessions
from tests.console.test_automations import PRESET


@pytest.fixture
def owner(desk: Any, add_staff: Any) -> Any:
    add_staff("owner")
    desk.sign_in("owner")
    return desk


def test_the_owner_compares_then_applies(owner: Any, sessions: Sessions) -> None:
    text = PRESET.read_text("utf-8")
    assert "tiers.silver" in owner.post("/console/programme/diff", {"text": text}).text
    with sessions.reading() as session:
        assert session.scalars(select(Tier)).all() == []
    assert owner.post("/console/programme/apply", {"text": text}).status_code == 303
    with sessions.reading() as session:
        assert [tier.key for tier in session.scalars(select(Tier))] == ["general", "silver", "gold", "black"]
    assert "Nothing: the programme is already so." in owner.post("/console/programme/diff", {"text": text}).text


@pytest.mark.parametrize("text", ["brand: {name: A}\ntiers: [{key: X!}]", "a: [", "", "- 1"])
def test_a_wrong_file_is_refused_in_words(owner: Any, sessions: Sessions, text: str) -> None:
    answer = owner.post("/console/programme/apply", {"text": text})
    assert answer.status_code == 422
    assert "Nothing was applied" in answer.text
    with sessions.reading() as session:
        assert session.scalars(select(Tier)).all() == []


def test_what_is_downloaded_can_be_applied(owner: Any) -> None:
    owner.post("/console/programme/apply", {"text": PRESET.read_text("utf-8")})
    file = owner.get("/console/programme/file")
    assert file.mimetype == "application/yaml"
    assert "already so" in owner.post("/console/programme/diff", {"text": file.text}).text


def test_only_the_owner_applies(desk: Any, add_staff: Any, sessions: Sessions) -> None:
    add_staff("marketer")
    desk.sign_in("marketer")
    answer = desk.post("/console/programme/apply", {"text": PRESET.read_text("utf-8")}, follow_redirects=True)
    assert "your role does not include it" in answer.text
    with sessions.reading() as session:
        assert session.scalars(select(Tier)).all() == []
