"""What waits or got stuck is seen and put right; owners manage staff and read the audit."""

import re
from datetime import UTC, datetime

import pytest

from domain.operations import staffing
from models.channel import the_channel
from models.inbox import WebhookEvent
from models.outbox import OutgoingMessage
from models.staff import StaffNote
from tests.support.factories import make_member
from tests.support.moments import NOW

SETTINGS = "/console/settings/"


@pytest.fixture
def trouble(sessions):
    with sessions.writing() as session:
        member = make_member(session, name="Mei")
        session.add(StaffNote(member_id=member.id, kind="chat", text="Are you open on Sunday", created_at=NOW))
        session.add(
            WebhookEvent(
                event_id="e1", type="message", received_at=NOW, state="parked", attempts=5, error="KeyError", payload={}
            )
        )
        session.add(
            OutgoingMessage(
                channel_id=the_channel(session).id, member_id=member.id, to="U1", kind="service", name="answer",
                messages=[{"type": "text", "text": "hi"}], once="x", created_at=NOW, due_at=NOW, state="unsure",
                reason="timed out", retry_key="k",
            )
        )  # fmt: skip
        session.commit()


def test_an_unanswered_chat_is_shown_and_closed(signed_in, sessions, trouble):
    desk = signed_in("marketer")
    page = desk.get(SETTINGS).text
    assert "Are you open on Sunday" in page
    desk.post(re.search(r'action="(/console/care/\d+/close)"', page)[1], on=SETTINGS)
    assert "Nobody waits" in desk.get(SETTINGS).text


def test_a_parked_event_is_tried_again(signed_in, sessions, trouble):
    desk = signed_in("marketer")
    page = desk.get(f"{SETTINGS}stuck").text
    assert "KeyError" in page
    for _ in range(2):
        desk.post(re.search(r'action="(/console/settings/stuck/events/\d+)"', page)[1], on=f"{SETTINGS}stuck")
    assert "no longer parked" in desk.get(f"{SETTINGS}stuck").text
    with sessions.reading() as session:
        assert session.query(WebhookEvent).one().state == "retry"


@pytest.mark.parametrize("outcome", ["sent", "failed"])
def test_an_unsure_message_is_settled_and_never_sent_again(signed_in, sessions, trouble, outcome):
    desk = signed_in("marketer")
    page = desk.get(f"{SETTINGS}stuck").text
    desk.post(re.search(rf'action="(/console/settings/stuck/messages/\d+/{outcome})"', page)[1], on=f"{SETTINGS}stuck")
    with sessions.reading() as session:
        assert session.query(OutgoingMessage).one().state == outcome


def test_an_owner_invites_and_the_link_works_once(app, signed_in, desk, store):
    owner = signed_in("owner")
    typed = {"name": "Lin", "login": "Lin", "role": "store", "store": store.key}
    page = owner.post(f"{SETTINGS}staff", typed, on=f"{SETTINGS}staff").text
    path = re.search(r'value="http://localhost(/console/invite/[^"]+)"', page)[1]
    chosen = {"password": "a long enough one", "again": "a long enough one"}
    desk.post(path, chosen, on=path)
    assert store.name in desk.get("/console/today/").text


def test_store_staff_need_a_store(signed_in):
    owner = signed_in("owner")
    owner.post(f"{SETTINGS}staff", {"name": "Lin", "login": "lin", "role": "store"}, on=f"{SETTINGS}staff")
    assert "need a store" in owner.get(f"{SETTINGS}staff").text


def test_the_last_owner_keeps_access(signed_in, sessions):
    owner = signed_in("owner")
    owner.post(f"{SETTINGS}staff/owner/disable", on=f"{SETTINGS}staff")
    assert "last owner" in owner.get(f"{SETTINGS}staff").text


def test_access_is_ended_and_given_back(signed_in, sessions):
    marketer, owner = signed_in("marketer"), signed_in("owner")
    owner.post(f"{SETTINGS}staff/marketer/disable", on=f"{SETTINGS}staff")
    assert marketer.get("/console/me/").status_code == 303
    owner.post(f"{SETTINGS}staff/marketer/enable", on=f"{SETTINGS}staff")
    marketer.sign_in("marketer")
    assert marketer.get("/console/me/").status_code == 200


def test_the_audit_says_who_did_what(signed_in, sessions):
    owner = signed_in("owner")
    with sessions.writing() as session:
        staffing.invite(session, login="lin", name="Lin", role="viewer", now=datetime.now(UTC))
        session.commit()
    page = owner.get(f"{SETTINGS}audit").text
    assert "Invited" in page
    assert "staff:lin" in page
    assert "Signed in" in page


def test_the_command_prints_a_link_that_works(app, desk):
    ran = app.test_cli_runner().invoke(args=["staff", "add", "Ann", "--role", "owner"])
    path = ran.output.strip().removeprefix("http://localhost")
    assert "Welcome, Ann" in desk.get(path).text
    assert app.test_cli_runner().invoke(args=["staff", "add", "Ann", "--role", "owner"]).exit_code == 1
    again = app.test_cli_runner().invoke(args=["staff", "link", "ann"]).output.strip()
    assert desk.get(path).status_code == 410
    assert desk.get(again.removeprefix("http://localhost")).status_code == 200
