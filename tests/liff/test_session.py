"""Who is using the mini-app: nobody is believed without LINE's token, and nobody sees another's."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from models.event import Event
from models.member import Friend, Member
from models.session import Sessions

MEI = "U" + "1" * 32
HUI = "U" + "2" * 32


def test_the_first_token_makes_someone_known_in_the_language_of_their_phone(phone: Any, sessions: Sessions) -> None:
    answer = phone.post("/session", {"id_token": f"{MEI}|Mei", "language": "ja"})
    assert answer.status_code == 204
    assert answer.headers["Content-Language"] == "ja"
    phone.open_as(MEI, "Mei Chen")
    with sessions.reading() as session:
        friend = session.scalars(select(Friend)).one()
        assert (friend.display_name, friend.member.language, friend.member.registered_at) == ("Mei Chen", "ja", None)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_paths(phone: Any) -> None:
    cookie = phone.open_as(MEI).headers["Set-Cookie"]
    assert cookie.startswith("regulars_member=")
    for part in ("HttpOnly", "SameSite=Lax", "Path=/liff", "Max-Age=43200"):
        assert part in cookie
    assert MEI not in cookie


@pytest.mark.parametrize(("token", "code"), [("expired", "token_expired"), ("forged", "token_refused")])
def test_a_token_that_is_not_good_opens_nothing(phone: Any, token: str, code: str) -> None:
    answer = phone.post("/session", {"id_token": token})
    assert (answer.status_code, answer.json["code"]) == (401, code)
    assert answer.mimetype == "application/problem+json"
    assert phone.get("/me").status_code == 401


def test_a_session_ends_after_twelve_hours_of_machine_time(phone: Any) -> None:
    with time_machine.travel("2026-03-10T04:00:00Z", tick=False) as clock:
        phone.open_as(MEI)
        clock.shift(timedelta(hours=12) - timedelta(seconds=1))
        assert phone.get("/me").status_code == 200
        clock.shift(timedelta(seconds=2))
        assert phone.get("/me").status_code == 401


def test_a_page_opened_by_another_person_is_asked_to_sign_in_again(phone: Any) -> None:
    mark = phone.open_as(MEI).headers["Regulars-Person"]
    assert phone.get("/me", **{"Regulars-Person": mark}).status_code == 200
    phone.open_as(HUI)  # a second phone beside it, in the same browser
    assert phone.get("/me", **{"Regulars-Person": mark}).status_code == 401


def test_writes_need_json_from_our_own_pages(phone: Any) -> None:
    phone.open_as(MEI)
    body = {"page": "card"}
    assert phone.post("/openings", body, Origin="https://evil.example").json["code"] == "wrong_origin"
    assert phone.client.post("/liff/api/openings", json=body).status_code == 403
    form = phone.client.post("/liff/api/openings", data=body, headers=phone.headers)
    assert (form.status_code, form.json["code"]) == (415, "not_json")
    assert phone.post("/openings", body).status_code == 204


def test_what_is_not_json_or_says_too_much_is_refused_in_one_shape(phone: Any) -> None:
    phone.open_as(MEI)
    broken = phone.client.post("/liff/api/openings", data="{", headers=phone.headers, content_type="application/json")
    assert (broken.status_code, broken.json["code"]) == (400, "malformed")
    more = phone.post("/openings", {"page": "card", "member": 7})
    assert (more.status_code, more.json["code"]) == (422, "invalid")


def test_a_page_opened_twice_within_minutes_is_one_opening(phone: Any, sessions: Sessions) -> None:
    with time_machine.travel("2026-03-10T04:00:00Z", tick=False) as clock:
        phone.open_as(MEI)
        for _ in range(2):
            phone.post("/openings", {"page": "join"})
        clock.shift(timedelta(minutes=6))
        phone.post("/openings", {"page": "join"})
    with sessions.reading() as session:
        kinds = [event.kind for event in session.scalars(select(Event).order_by(Event.id))]
        assert kinds == ["opened_app", "conversion_started", "opened_app"]


def test_someone_forgotten_is_not_let_in_by_an_old_cookie(phone: Any, sessions: Sessions) -> None:
    phone.open_as(MEI)
    with sessions.writing() as session:
        member = session.scalars(select(Member)).one()
        member.erased_at = member.created_at
        session.commit()
    assert phone.get("/me").status_code == 401
