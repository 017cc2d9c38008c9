"""My data: language, consent, a copy, and being forgotten."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from models.channel import the_channel
from models.event import Event
from models.inbox import InboundBody
from models.member import Friend, Identity, Member
from models.outbox import OutgoingMessage
from models.session import Sessions
from tests.support.factories import make_purchase, make_slot, make_store

MEI = "U" + "1" * 32
HUI = "U" + "2" * 32
FORM = {"name": "Mei", "phone": "0912 345 678", "email": "Mei@Example.com", "consent": True}


def join(phone: Any, user: str = MEI) -> None:
    phone.open_as(user)
    assert phone.post("/registration", FORM).status_code == 204


def test_refusing_offers_holds_from_now_on(phone: Any, sessions: Sessions) -> None:
    join(phone)
    assert phone.patch("/me", {"marketing_consent": False}).json["marketing_consent"] is False
    with sessions.reading() as session:
        refused = session.scalars(select(Event).where(Event.kind == "refused")).one()
        assert "offers" in refused.data["wording"]


def test_a_chosen_language_is_the_pages_language(phone: Any) -> None:
    join(phone)
    assert phone.patch("/me", {"language": "ja"}).status_code == 200
    assert '<html lang="ja">' in phone.page("/card").text
    assert phone.get("/card").headers.get("Cache-Control") == "no-store"


def test_the_copy_holds_what_is_theirs_and_nobody_elses(phone: Any, another_phone: Any) -> None:
    join(phone)
    another_phone.open_as(HUI, "Hui")
    another_phone.post("/registration", {**FORM, "name": "Hui", "phone": "0987654321"})
    copy = phone.get("/me/copy")
    assert copy.json["copy_of_data"]["member"]["phone"] == "+886912345678"
    assert copy.json["copy_of_data"]["line"][0]["user_id"] == MEI
    assert HUI not in copy.text
    assert "987654321" not in copy.text


def test_erasing_takes_the_person_and_leaves_nameless_facts(phone: Any, sessions: Sessions) -> None:
    join(phone)
    now = datetime.now(UTC)
    with sessions.writing() as session:
        member = session.scalars(select(Member)).one()
        make_purchase(session, member, paid_at=now - timedelta(days=3), amount=900, buyer_ref="+886912345678")
        slot = make_slot(session, make_store(session), starts_at=now + timedelta(days=2))
        body = b'{"events":[{"source":{"userId":"' + MEI.encode() + b'"}}]}'
        for state, content in (("done", body), ("done", b"{}")):
            session.add(InboundBody(channel_id=the_channel(session).id, received_at=now, body=content, state=state))
        session.commit()
        slot_id = slot.id
    assert phone.post("/bookings", {"slot_id": slot_id}).status_code in {200, 201}
    assert phone.post("/me/erasure", {"sure": True}).status_code == 204
    assert phone.get("/me").status_code == 401
    with sessions.reading() as session:
        gone = session.scalars(select(Member)).one()
        assert (gone.name, gone.phone, gone.email, gone.marketing_consent) == (None, None, None, False)
        assert session.scalars(select(Friend)).all() == session.scalars(select(Identity)).all() == []
        assert [each.body for each in session.scalars(select(InboundBody))] == [b"{}"]
        for said in session.scalars(select(OutgoingMessage)):
            assert (said.messages, said.to, said.state) == ([], "erased", "cancelled")
        purchase = session.execute(select(Event.kind).where(Event.member_id == gone.id)).scalars().all()
        assert "registered" in purchase
    phone.open_as(MEI)
    assert phone.get("/me").json["registered"] is False
