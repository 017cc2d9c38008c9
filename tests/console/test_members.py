"""Marketers find people and see all that happened; viewers see no contacts; store staff see no list."""

from datetime import timedelta

import pytest

from domain.operations.recording import record
from models.staff import AuditLine, StaffNote
from tests.support.factories import make_member, make_purchase, make_tag
from tests.support.moments import NOW
from tests.support.retagging import retag as retag_now

MEMBERS = "/console/members/"


@pytest.fixture
def people(sessions):
    with sessions.writing() as session:
        mei = make_member(session, name="Mei Chen", phone="+886912345678", email="mei@example.com")
        make_member(session, name="100% Juice_", phone="+886987000111")
        record(session, "clicked", member_id=mei.id, source="line", data={"url": "https://shop/x"}, now=NOW)
        make_purchase(session, mei, paid_at=NOW, amount=1980)
        tag = make_tag(session, "tea", name={"en": "Tea lover"}, rule={"condition": "registered"})
        retag_now(session, now=NOW)
        assert tag
        session.commit()
        return mei


@pytest.mark.parametrize(
    ("asked", "finds"),
    [("mei", True), ("CHEN", True), ("0912345678", True), ("2345678", True), ("mei@example", True), ("juice", False)],
)
def test_a_marketer_searches_by_name_and_contact(signed_in, people, asked, finds):
    page = signed_in("marketer").get(MEMBERS, query_string={"q": asked}).text
    assert ("Mei Chen</a>" in page) is finds


def test_signs_of_the_database_mean_themselves(signed_in, people):
    desk = signed_in("marketer")
    for asked in ("%", "_"):
        page = desk.get(MEMBERS, query_string={"q": asked}).text
        assert "100% Juice_" in page
        assert "Mei Chen</a>" not in page


def test_a_viewer_searches_by_name_only_and_sees_no_contacts(signed_in, people):
    desk = signed_in("viewer")
    assert "Mei Chen</a>" in desk.get(MEMBERS, query_string={"q": "mei"}).text
    assert "Mei Chen</a>" not in desk.get(MEMBERS, query_string={"q": "0912345678"}).text
    page = desk.get(f"{MEMBERS}{people.ref}").text
    assert "912345678" not in page
    assert "mei@example.com" not in page


def test_one_page_tells_what_happened_and_why(signed_in, people, sessions):
    page = signed_in("marketer").get(f"{MEMBERS}{people.ref}").text
    for words in ("Added the account on LINE", "Opened a link: https://shop/x", "Bought for NT$ 1,980", "Tea lover"):
        assert words in page
    assert "given by its rule" in page
    with sessions.reading() as session:
        assert session.query(AuditLine).filter_by(action="opened", member_id=people.id).count() == 1


def test_a_note_is_kept_and_escaped(signed_in, people):
    desk, path = signed_in("marketer"), f"{MEMBERS}{people.ref}"
    desk.post(f"{path}/notes", {"text": "<b>likes oolong</b>"}, on=path)
    assert "&lt;b&gt;likes oolong" in desk.get(path).text


def test_long_lists_and_timelines_go_on_page_by_page(signed_in, sessions, people):
    with sessions.writing() as session:
        for n in range(60):
            make_member(session, name=f"Person {n}")
            record(session, "texted", member_id=people.id, source="line", now=NOW - timedelta(days=n + 1))
        session.commit()
    desk = signed_in("marketer")
    first = desk.get(MEMBERS).text
    more = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = desk.get(more).text
    assert first.count('<th scope="row">') == 50
    assert second.count('<th scope="row">') == 12
    assert "Mei Chen" in second
    told = desk.get(f"{MEMBERS}{people.ref}").text
    more = told.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    pages = told.count("Wrote in the chat") + desk.get(more).text.count("Wrote in the chat")
    assert pages == 60


def test_a_marked_person_gets_the_test_sends(signed_in, sessions, people):
    desk, path = signed_in("marketer"), f"{MEMBERS}{people.ref}"
    assert desk.post(f"{path}/marks", {"test": "on"}, on=path).status_code == 303
    assert 'name="test" checked' in desk.get(path).text
    draft = desk.post("/console/campaigns/new").location
    form = {"name": "Tea", "text": "Tea is here.", "r.join": "all", "r.n": "0", "holdout_percent": "0"}
    answer = desk.post(draft, {**form, "edit_version": "1", "then": "test"}, on=draft)
    assert "Sent to 1 testers" in desk.get(answer.location).text
    desk.post(f"{path}/marks", {}, on=path)
    assert 'name="test" checked' not in desk.get(path).text
    with sessions.reading() as session:
        assert session.query(AuditLine).filter_by(action="marked", member_id=people.id).count() == 2


def test_a_viewer_reads_that_something_was_written_but_not_what(signed_in, sessions, people):
    with sessions.writing() as session:
        for kind, text in (("chat", "my skin is red"), ("note", "knows the owner")):
            session.add(StaffNote(member_id=people.id, kind=kind, text=text, created_at=NOW))
        session.commit()
    path = f"{MEMBERS}{people.ref}"
    read, seen = signed_in("marketer").get(path).text, signed_in("viewer").get(path).text
    for text in ("my skin is red", "knows the owner"):
        assert text in read
        assert text not in seen
    assert "Staff wrote a note" in seen
    assert "Test person" not in seen
