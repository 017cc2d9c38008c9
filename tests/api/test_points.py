"""A web shop uses the points earned in a store: safe to repeat, refused when there are too few, given back."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models.member import Member
from models.points import PointLine
from models.session import Sessions
from tests.api.conftest import Till
from tests.support.factories import make_member
from tests.support.moments import NOW
from tests.support.purse import put_points, worth


@pytest.fixture
def mei(sessions: Sessions) -> Member:
    with sessions.writing() as session:
        made = make_member(session, ref="S1")
        put_points(session, made, 100, at=NOW, expires_at=NOW + timedelta(days=300))
        put_points(session, made, 40, at=NOW, usable_at=NOW + timedelta(days=7))
        session.commit()
        return made


def use(id: str, points: int, **more: object) -> dict[str, object]:
    return {"id": id, "member_ref": "S1", "points": points, **more}


def test_points_are_used_once_for_an_id_and_each_item_stands_alone(till: Till, sessions: Sessions, mei: Member) -> None:
    items = [use("a", 30, order_id="W1"), use("b", 90), use("a", 30, order_id="W1"), use("a", 31),
             {**use("c", 5), "member_ref": "nobody"}]  # fmt: skip
    answer = till.post("points", *items)
    assert answer.status_code == 200, answer.text
    said = answer.get_json()
    assert (said["accepted"], said["repeated"]) == (1, 1)
    assert [(each["index"], each["code"]) for each in said["rejected"]] == [
        (1, "not_enough_points"), (3, "id_used"), (4, "not_found"),
    ]  # fmt: skip
    assert "70 can be used now, 40 more are on their way" in said["rejected"][0]["reason"]
    assert till.post("points", items[0]).get_json() == {"accepted": 0, "repeated": 1, "rejected": []}
    with sessions.reading() as session:
        assert worth(session, session.get_one(Member, mei.id)) == 110
        line = session.scalars(select(PointLine).where(PointLine.reason == "spent")).one()
        assert line.evidence == {"source": "till", "order": "W1"}


def test_a_use_that_came_to_nothing_is_given_back_once(till: Till, sessions: Sessions, mei: Member) -> None:
    till.post("points", use("a", 30))
    back = use("a", 30, kind="give_back")
    assert till.post("points", back).get_json()["accepted"] == 1
    assert till.post("points", back).get_json()["repeated"] == 1
    assert till.post("points", use("z", 1, kind="give_back")).get_json()["rejected"][0]["code"] == "spend_not_found"
    with sessions.reading() as session:
        assert worth(session, session.get_one(Member, mei.id)) == 140


def test_a_shop_asks_how_many_there_are(till: Till, mei: Member) -> None:
    asked = {"member_refs": ["S1", "nobody"]}
    answer = till.client.post("/api/v1/points/balances", json=asked, headers=till.headers)
    assert answer.get_json() == {
        "items": [{"member_ref": "S1", "usable": 100, "pending": 40, "ending": 100, "ends": "2027-01-04"}]
    }


def test_without_a_key_nothing_opens(till: Till, mei: Member) -> None:
    for path in ("points", "points/balances"):
        assert till.client.post(f"/api/v1/{path}", json={"items": []}).status_code == 401
