"""Scanning a code of ours: the mini-app notes it and shows the next step."""

from sqlalchemy import select

from domain.operations import arriving
from models.channel import the_channel
from models.event import Event
from models.member import Member
from models.session import Sessions
from tests.liff.conftest import Phone

MEI = "U" + "1" * 32


def test_a_scanned_code_is_the_source_of_whoever_scanned_it(phone: Phone, sessions: Sessions) -> None:
    with sessions.writing() as session:
        arriving.add(session, key="popup", name="Pop-up", kind="event", campaign="winter")
        the_channel(session).basic_id = "@camellia"
        session.commit()
    assert phone.page("/from/popup").status_code == 200
    phone.open_as(MEI)
    told = phone.post("/sources/popup").json
    assert told["takes_part"] is True
    assert (told["registered"], told["add_friend"]) == (False, "https://line.me/R/ti/p/@camellia")
    with sessions.reading() as session:
        assert session.scalars(select(Member.entry_source)).all() == ["popup"]
        assert session.scalars(select(Event.kind).where(Event.kind == "participated")).all() == ["participated"]
    gone = phone.post("/sources/nothing")
    assert (gone.status_code, gone.json["code"]) == (404, "not_found")
