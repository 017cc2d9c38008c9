"""Joining from the mini-app."""

from typing import Any

import pytest
from sqlalchemy import select

from models.event import Event
from models.member import Identity, Member
from models.session import Sessions

MEI = "U" + "1" * 32
HUI = "U" + "2" * 32
FORM = {"name": " 陳  美 ", "phone": "0912 345 678", "consent": True, "birth_date": "1990-02-28"}


def test_joining_makes_a_member_with_consent_word_for_word(phone: Any, sessions: Sessions) -> None:
    phone.open_as(MEI)
    asked = phone.get("/registration").json
    assert asked == {"registered": False, "name": "Mei", "consent_wording": asked["consent_wording"]}
    assert phone.get("/card").status_code == 403
    assert phone.get("/card").json["code"] == "not_registered"
    assert phone.post("/registration", FORM).status_code == 204
    assert phone.get("/card").json["name"] == "陳 美"
    with sessions.reading() as session:
        member = session.scalars(select(Member)).one()
        assert (member.phone, member.birth_month, member.marketing_consent) == ("+886912345678", 2, True)
        kinds = {event.kind: event for event in session.scalars(select(Event))}
        assert kinds["consented"].data["wording"] == asked["consent_wording"]
        assert kinds["conversion_completed"].object == "registration:card"
        assert kinds["registered"].data == {"method": "liff"}


def test_a_claimed_phone_links_nothing_and_says_nothing(phone: Any, another_phone: Any, sessions: Sessions) -> None:
    answers = []
    for each, user in ((phone, MEI), (another_phone, HUI)):
        each.open_as(user)
        answer = each.post("/registration", FORM)
        answers.append((answer.status_code, answer.data))
    assert answers[0] == answers[1]
    with sessions.reading() as session:
        claimed = session.scalars(select(Identity).where(Identity.kind == "phone")).all()
        assert [each.verified_at for each in claimed] == [None, None]
        assert len({each.member_id for each in claimed}) == 2


def test_joining_twice_changes_nothing(phone: Any) -> None:
    phone.open_as(MEI)
    phone.post("/registration", FORM)
    assert phone.post("/registration", {**FORM, "name": "Someone else"}).status_code == 204
    assert phone.get("/card").json["name"] == "陳 美"


def test_refusing_marketing_joins_all_the_same(phone: Any, sessions: Sessions) -> None:
    phone.open_as(MEI)
    phone.post("/registration", {**FORM, "consent": False})
    with sessions.reading() as session:
        assert session.scalars(select(Member)).one().marketing_consent is False
        assert session.scalars(select(Event).where(Event.kind == "refused")).one()


@pytest.mark.parametrize("sign", ["\0", "\ud83d"])
def test_characters_nothing_can_store_are_refused(phone: Any, sign: str) -> None:
    phone.open_as(MEI)
    assert phone.post("/registration", {**FORM, "name": f"Mei{sign}"}).status_code == 422
