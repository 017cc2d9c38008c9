"""Shops' systems post batches: each item is taken, known already, or refused with the reason."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from models.event import Event
from models.member import Member
from models.programme import Tier
from models.purchase import Purchase
from models.session import Sessions
from tests.api.conftest import Till

LINE: dict[str, Any] = {
    "order_id": "A1", "line_no": 1, "member_ref": "S1", "paid_at": "2026-03-09T18:00:00", "sku": "tea", "amount": 300,
}  # fmt: skip


def test_without_a_key_nothing_opens(till: Till) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        answer = till.client.post("/api/v1/purchases", json={"items": [LINE]}, headers=headers)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
        assert answer.get_json()["code"] == "not_signed_in"


def test_a_batch_is_taken_item_by_item(till: Till, sessions: Sessions) -> None:
    items = [
        LINE,
        {**LINE, "line_no": 2, "amount": "12.5"},
        {**LINE, "line_no": 3, "paid_at": "yesterday"},
        {**LINE, "line_no": 4, "amount": -3},
        {**LINE, "line_no": 1},
        {**LINE, "line_no": 1, "amount": 7},
    ]
    answer = till.post("purchases", *items)
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert (body["accepted"], body["repeated"], body["rounded"]) == (2, 1, 1)
    assert [(each["index"], each["code"]) for each in body["rejected"]] == [
        (2, "invalid"), (3, "invalid"), (5, "conflict"),
    ]  # fmt: skip
    assert "yesterday" in body["rejected"][0]["reason"]
    again = till.post("purchases", *items).get_json()
    assert (again["accepted"], again["repeated"]) == (0, 3)
    with sessions.reading() as session:
        purchase = session.scalars(select(Purchase)).one()
        assert (purchase.net_amount, purchase.buyer_ref, purchase.source) == (313, "S1", "till")


def test_a_person_posted_later_owns_the_orders_posted_before(till: Till, sessions: Sessions) -> None:
    till.post("purchases", {**LINE, "member_ref": "0912-345-678"})
    answer = till.post("members", {"member_ref": "S1", "phone": "+886912345678", "custom": {"shoe": "38"}}).get_json()
    assert answer["accepted"] == 1
    with sessions.reading() as session:
        member = session.scalars(select(Member)).one()
        assert (member.ref, member.custom) == ("S1", {"shoe": "38"})
        assert session.scalars(select(Purchase.member_id)).all() == [member.id]


def test_events_are_known_by_id_or_by_content(till: Till, sessions: Sessions) -> None:
    till.post("members", {"member_ref": "S1"})
    visit = {"kind": "visited", "member_ref": "S1", "at": "2026-03-09T12:00:00+08:00", "data": {"store": "xinyi"}}
    with_id = {**visit, "id": "pos-77", "at": "2026-03-09T13:00:00+08:00"}
    assert till.post("events", visit, with_id, visit).get_json()["accepted"] == 3
    assert till.post("events", visit, with_id, visit).get_json()["repeated"] == 3
    refused = till.post("events", {**visit, "kind": "flew"}, {**visit, "member_ref": "S9"}, {**visit, "member_ref": ""})
    assert [each["code"] for each in refused.get_json()["rejected"]] == ["invalid", "not_found", "invalid"]
    with sessions.reading() as session:
        assert session.scalars(select(Event.source).where(Event.kind == "visited")).all() == ["till"] * 3


def test_what_is_not_a_batch_is_refused_whole(till: Till) -> None:
    for body, kind, status in (
        ("{", "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ("x", "text/plain", 415),
        ('{"items": [{"order_id": 5}]}', "application/json", 422),
        ('{"items": [], "more": 1}', "application/json", 422),
    ):
        answer = till.client.post("/api/v1/purchases", data=body, content_type=kind, headers=till.headers)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), body[:20]


def test_health(till: Till) -> None:
    assert till.client.get("/healthz").status_code == 200
    assert till.client.get("/readyz").status_code == 200
    assert till.client.get("/metrics").status_code == 401
    answer = till.client.get("/metrics", headers={"Authorization": "Bearer measure"})
    assert answer.status_code == 200
    assert "regulars_outbox_lag_seconds 0.0" in answer.text


def test_a_refund_that_names_only_its_order_takes_the_tier_back(till: Till, sessions: Sessions) -> None:
    with sessions.writing() as session:
        session.add_all([Tier(key="general", rank=0), Tier(key="silver", rank=1, threshold=300)])
        session.commit()
    till.post("members", {"member_ref": "S1", "joined_at": "2026-01-01"})
    till.post("purchases", {**LINE, "amount": 400})
    with sessions.reading() as session:
        assert session.scalars(select(Tier.key).join(Member, Member.tier_id == Tier.id)).one() == "silver"
    back = {**LINE, "order_id": "R1", "kind": "refund", "refund_of": "A1", "amount": 200, "member_ref": ""}
    till.post("purchases", back)
    with sessions.reading() as session:
        assert session.scalars(select(Tier.key).join(Member, Member.tier_id == Tier.id)).one() == "general"


def test_wrong_keys_never_hold_the_database(till: Till, sessions: Sessions) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    with sessions.writing() as session:  # somebody else is writing; on SQLite there is one writer at a time
        session.add(Member(ref="MWRITING", created_at=datetime(2026, 3, 1, tzinfo=UTC)))
        session.flush()
        assert till.client.post("/api/v1/purchases", json={"items": [LINE]}, headers=wrong).status_code == 401


@pytest.fixture
def few_knocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.doors.KNOCKS", "5 per hour")


@pytest.mark.usefixtures("few_knocks")
def test_wrong_keys_are_slowed_down(app: Flask) -> None:
    client = app.test_client()
    wrong = {"Authorization": "Bearer wrong"}
    answers = [client.post("/api/v1/purchases", json={}, headers=wrong) for _ in range(7)]
    assert [each.status_code for each in answers] == [401] * 5 + [429] * 2
    assert answers[-1].mimetype == "application/problem+json"
