"""Care in the console: seen at once, closed with words, given to somebody; store staff see what is theirs."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from domain.operations import answering
from models.member import Member
from models.programme import Form
from models.session import Sessions
from models.staff import AuditLine, Staff, StaffNote
from models.store import Store
from tests.support.factories import make_member

SignIn = Callable[..., Any]


@pytest.fixture
def unhappy(sessions: Sessions) -> Member:
    """Somebody who gave us 2 of 10."""
    with sessions.writing() as session:
        questions = [{"key": "score", "kind": "score"}, {"key": "why", "kind": "text"}]
        session.add(Form(key="nps", title={"en": "Our tea"}, kind="nps", questions=questions))
        session.flush()
        member = make_member(session, name="Mei Chen")
        answers = {"score": 2, "why": "Cold tea"}
        answering.answer(session, member, form_key="nps", answers=answers, now=datetime.now(UTC))
        session.commit()
        return member


def the_case(sessions: Sessions) -> StaffNote:
    with sessions.reading() as session:
        return session.scalars(select(StaffNote)).one()


def test_the_case_is_on_today_on_care_and_on_the_mark(signed_in: SignIn, unhappy: Member, store: Store) -> None:
    desk = signed_in("marketer")
    for path in ("/console/today/", "/console/care/", "/console/settings/"):
        assert "Cold tea" in desk.get(path).text, path
    assert "One unhappy person waits" in desk.get("/console/care/").text
    assert "Unhappy people who wait to hear from us: 1" in desk.get("/console/health/").text


def test_closing_needs_words_and_is_noted(signed_in: SignIn, sessions: Sessions, unhappy: Member) -> None:
    desk, note = signed_in("marketer"), the_case(sessions)
    url = f"/console/care/{note.id}/close"
    assert desk.post(url, {"words": ""}, on="/console/care/").status_code in (303, 422)
    assert the_case(sessions).closed_at is None
    assert desk.post(url, {"words": "Called her"}, on="/console/care/").status_code == 303
    assert the_case(sessions).closed_words == "Called her"
    page = desk.get("/console/care/").text
    assert "1 of 1 are closed" in page
    assert "Called her" in page
    with sessions.reading() as session:
        assert "closed_note" in session.scalars(select(AuditLine.action)).all()


def test_store_staff_see_and_close_what_was_given_to_them(
    signed_in: SignIn, sessions: Sessions, unhappy: Member, store: Store
) -> None:
    counter, desk, note = signed_in("store", store_id=store.id), signed_in("marketer"), the_case(sessions)
    assert "Cold tea" not in counter.get("/console/today/").text
    assert counter.post(f"/console/care/{note.id}/close", {"words": "x"}).status_code in (303, 404)
    assert the_case(sessions).closed_at is None
    desk.post(f"/console/care/{note.id}/assign", {"to": "store"}, on="/console/care/")
    with sessions.reading() as session:
        assert the_case(sessions).assignee_id == session.scalars(select(Staff.id).where(Staff.login == "store")).one()
    assert "Cold tea" in counter.get("/console/today/").text
    counter.post(f"/console/care/{note.id}/close", {"words": "Spoke with her"}, on="/console/today/")
    assert the_case(sessions).closed_words == "Spoke with her"


def test_viewers_and_store_staff_have_no_list(signed_in: SignIn, store: Store) -> None:
    assert signed_in("viewer").get("/console/care/").status_code == 403
    assert signed_in("store", store_id=store.id).get("/console/care/").status_code == 403
