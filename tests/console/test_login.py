"""Staff sign in with a password, get locked out by guessing, may use a second factor, and can be signed out."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine

from console import second_factor
from domain.operations import staffing
from models.staff import AuditLine, Staff


def is_signed_in(desk) -> bool:
    return desk.get("/console/me/").status_code == 200


def test_the_right_password_opens_the_console(desk, add_staff):
    add_staff("marketer", login="mei")
    assert desk.get("/console/me/").status_code == 303
    assert desk.sign_in(" MEI ").status_code == 303
    assert is_signed_in(desk)


@pytest.mark.parametrize("login", ["mei", "nobody"])
def test_a_wrong_password_says_the_same_whether_or_not_the_name_is_known(desk, add_staff, login):
    add_staff("marketer", login="mei")
    answer = desk.sign_in(login, "wrong wrong wrong")
    assert answer.status_code == 401
    assert "did not match" in answer.text
    assert not is_signed_in(desk)


def test_five_failures_lock_for_fifteen_minutes_even_for_the_right_password(desk, add_staff):
    add_staff("marketer", login="mei")
    start = datetime(2026, 11, 1, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(5):
            desk.sign_in("mei", "wrong wrong wrong")
        assert "too many tries" in desk.client.get(desk.sign_in("mei").location, base_url="http://localhost").text
        assert not is_signed_in(desk)
        clock.shift(timedelta(minutes=16))
        desk.sign_in("mei")
        assert is_signed_in(desk)


def test_a_right_password_starts_the_count_again(desk, add_staff):
    add_staff("marketer", login="mei")
    for _ in range(2):
        for _ in range(4):
            desk.sign_in("mei", "wrong wrong wrong")
        desk.sign_in("mei")
        assert is_signed_in(desk)
        desk.post("/console/sign-out")


def test_the_second_factor_is_asked_and_a_code_works_once(app, desk, add_staff):
    secret, key = pyotp.random_base32(), app.extensions["regulars"].secret_key
    add_staff("owner", login="own", totp_secret=second_factor.sealed(secret, key=key))
    with time_machine.travel(datetime(2026, 11, 1, tzinfo=UTC), tick=False):
        code = pyotp.TOTP(secret).now()
        assert "/sign-in/code" in desk.sign_in("own").location
        assert not is_signed_in(desk)
        wrong = f"{(int(code) + 1) % 1_000_000:06d}"
        assert desk.post("/console/sign-in/code", {"code": wrong}).status_code == 401
        assert desk.post("/console/sign-in/code", {"code": code}).status_code == 303
        assert is_signed_in(desk)
        desk.post("/console/sign-out")
        desk.sign_in("own")
        assert desk.post("/console/sign-in/code", {"code": code}).status_code == 401
        assert not is_signed_in(desk)


def test_a_second_factor_can_be_switched_on(signed_in, sessions):
    desk = signed_in("marketer")
    desk.post("/console/me/second-factor/begin")
    drawn = desk.get("/console/me/second-factor.svg")
    assert drawn.mimetype == "image/svg+xml"
    with desk.client.session_transaction(base_url="http://localhost") as kept:
        sealed = kept["new_factor"]
    secret = second_factor.opened(sealed, key="a secret for tests, long enough")
    desk.post("/console/me/second-factor/on", {"code": pyotp.TOTP(secret).now()})
    with sessions.reading() as session:
        row = staffing.find(session, "marketer")
        assert row.totp_secret
        assert secret not in row.totp_secret


def test_an_invitation_sets_the_password_once(desk, sessions):
    with sessions.writing() as session:
        _, token = staffing.invite(session, login="New One", name="New", role="viewer", now=datetime.now(UTC))
        session.commit()
    path = f"/console/invite/{token}"
    chosen = {"password": "a long enough one", "again": "a long enough one"}
    assert "new one" in desk.get(path).text
    assert desk.post(path, {"password": "short", "again": "short"}, on=path).location == path
    desk.post(path, chosen, on=path)
    assert is_signed_in(desk)
    assert desk.get(path).status_code == 410


def test_a_new_password_ends_other_sessions(app, signed_in):
    from tests.console.conftest import PASSWORD, Desk

    phone = signed_in("marketer")
    laptop = Desk(app)
    laptop.sign_in("marketer")
    laptop.post("/console/me/password", {"old": PASSWORD, "new": "another long password"})
    assert is_signed_in(laptop)
    assert not is_signed_in(phone)


def test_signing_out_everywhere_and_disabling_end_sessions(signed_in, sessions):
    desk = signed_in("marketer")
    desk.post("/console/me/sign-out-everywhere")
    assert not is_signed_in(desk)
    desk.sign_in("marketer")
    assert is_signed_in(desk)
    with sessions.writing() as session:
        staffing.disable(session, staffing.find(session, "marketer"), by_id=None, now=datetime.now(UTC))
        session.commit()
    assert not is_signed_in(desk)
    assert desk.sign_in("marketer").status_code == 401


def test_a_session_ends_after_a_working_day(desk, add_staff):
    add_staff("viewer")
    with time_machine.travel(datetime(2026, 11, 1, tzinfo=UTC), tick=False) as clock:
        desk.sign_in("viewer")
        clock.shift(timedelta(hours=11))
        assert is_signed_in(desk)
        clock.shift(timedelta(hours=2))
        assert not is_signed_in(desk)


def test_posting_without_the_token_changes_nothing(signed_in, sessions):
    desk = signed_in("marketer")
    desk.client.post("/console/me/language", data={"language": "ja"}, base_url="http://localhost")
    with sessions.reading() as session:
        assert staffing.find(session, "marketer").language == "en"


@pytest.mark.parametrize("target", ["https://evil.example/console/", "//evil.example/console/", "/liff/", "\\\\evil"])
def test_signing_in_never_leads_outside(desk, add_staff, target):
    add_staff("marketer")
    answer = desk.post("/console/sign-in", {"login": "marketer", "password": "correct horse battery", "next": target})
    assert answer.location == "/console/"


def test_signing_in_is_audited(signed_in, sessions):
    signed_in("marketer")
    with sessions.reading() as session:
        assert [line.action for line in session.query(AuditLine)] == ["signed_in"]
        assert session.query(Staff).one().failed_sign_ins == 0
