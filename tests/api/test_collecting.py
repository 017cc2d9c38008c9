"""The shop's own pages report: only those of the programme, only what the script sends, and only so much."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from domain.operations import linking
from models.event import Event
from models.member import Member
from models.programme import the_brand
from models.session import Sessions
from tests.api.conftest import Till
from tests.support.factories import make_member

SHOP = "https://shop.example"
ANN = "a" * 20


@pytest.fixture
def site(sessions: Sessions) -> None:
    with sessions.writing() as session:
        the_brand(session).sites = [
            {"key": "web", "origins": [SHOP]},
            {"key": "other", "origins": ["https://b.example"]},
        ]
        session.commit()


def post(app: Flask, body: Any = None, *, origin: str = SHOP, **more: Any) -> Any:
    body = {"site": "web", "visitor": ANN, "steps": [{"kind": "carted", "object": "TEA-1"}]} | (body or {})
    headers = {"Origin": origin} if origin else {}
    return app.test_client().post("/collect", json=body, headers=headers, **more)


def count(sessions: Sessions) -> int:
    with sessions.reading() as session:
        return session.scalar(select(func.count()).where(Event.kind == "carted")) or 0


@pytest.mark.usefixtures("site")
def test_a_page_of_the_shop_tells_and_the_script_is_there_for_it(app: Flask, sessions: Sessions) -> None:
    script = app.test_client().get("/t.js")
    assert script.mimetype == "text/javascript"
    assert "/collect" in script.text
    answer = post(app)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert "Origin" in answer.headers["Vary"]
    asked = app.test_client().options("/collect", headers={"Origin": SHOP})
    assert (asked.status_code, asked.headers["Access-Control-Allow-Methods"]) == (204, "POST")
    with sessions.reading() as session:
        event = session.scalars(select(Event).where(Event.kind == "carted")).one()
        assert (event.member_id, event.actor_ref, event.object, event.source) == (
            None,
            f"visitor:{ANN}",
            "TEA-1",
            "site",
        )


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("body", "origin", "status"),
    [
        ({}, "https://evil.example", 403),
        ({}, "", 403),
        ({}, "https://b.example", 403),  # one site's page with the other's key
        ({"site": "nothing"}, SHOP, 403),
        ({"visitor": "x"}, SHOP, 422),
        ({"steps": [{"kind": "coupon_redeemed", "object": "x"}]}, SHOP, 422),
        ({"steps": [{"kind": "carted", "object": "x"}] * 21}, SHOP, 422),
        ({"steps": [{"kind": "carted", "object": "\x00"}]}, SHOP, 422),
        ({"steps": [{"kind": "carted", "object": "\ud800"}]}, SHOP, 422),
        ({"more": 1}, SHOP, 422),
        ({"token": "y" * 9000}, SHOP, 413),
    ],
)
def test_others_and_other_things_are_refused(
    app: Flask, sessions: Sessions, body: Any, origin: str, status: int
) -> None:
    answer = post(app, body, origin=origin)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    if origin == "https://evil.example":
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert count(sessions) == 0


@pytest.mark.usefixtures("site")
def test_a_flood_stops(app: Flask) -> None:
    statuses = {post(app, {"steps": []}).status_code for _ in range(245)}
    assert statuses == {204, 429}


@pytest.mark.usefixtures("site")
def test_a_personal_link_carries_its_person_into_the_shop(app: Flask, sessions: Sessions, now: Any) -> None:
    with sessions.writing() as session:
        mei = make_member(session)
        token = linking.make(session, url=f"{SHOP}/tea", member_id=mei.id, now=now).token
        session.commit()
    led = app.test_client().get(f"/t/{token}", headers={"User-Agent": "Mozilla/5.0"})
    assert led.headers["Location"] == f"{SHOP}/tea?rt={token}"
    post(app)
    assert post(app, {"token": token, "steps": []}).status_code == 204
    with sessions.reading() as session:
        assert session.scalars(select(Event.member_id).where(Event.kind == "carted")).all() == [mei.id]


def test_shops_systems_tell_of_browsers_too(till: Till, app: Flask, sessions: Sessions) -> None:
    at = "2026-03-01T10:00:00"
    told = till.post(
        "events", {"kind": "carted", "visitor": ANN, "at": at, "object": "TEA-1"}, {"kind": "carted", "at": at}
    )
    assert told.json["accepted"] == 1
    assert "member_ref is empty" in told.json["rejected"][0]["reason"]
    assert till.post("members", {"member_ref": "S1", "visitor": ANN}).json["accepted"] == 1
    told = till.post("events", {"kind": "carted", "visitor": ANN, "at": at, "object": "TEA-1"})
    assert told.json["repeated"] == 1
    # A line that names both tells whose browser it is.
    till.post("events", {"kind": "browsed", "visitor": "b" * 20, "at": at, "object": "CUP"})
    till.post("members", {"member_ref": "S2"})
    till.post("events", {"kind": "checkout_started", "visitor": "b" * 20, "member_ref": "S2", "at": at, "object": "A1"})
    with sessions.reading() as session:
        query = select(Event.object, Member.ref).join(Member, Member.id == Event.member_id)
        assert dict(session.execute(query).all()) == {"TEA-1": "S1", "CUP": "S2", "A1": "S2"}
