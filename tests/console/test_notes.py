"""Notes of the team: written at the counter or the desk, seen with who wrote them (M60)."""

from collections.abc import Callable

from sqlalchemy import select

from models.event import Event
from models.programme import MemberTag
from models.session import Sessions
from models.staff import AuditLine, StaffNote
from models.store import Store
from tests.console.conftest import Desk
from tests.support.factories import make_member, make_tag


def test_store_staff_write_notes_that_others_see_with_their_name(
    signed_in: Callable[..., Desk], sessions: Sessions, store: Store
) -> None:
    with sessions.writing() as session:
        mei = make_member(session, name="Mei")
        session.commit()
    desk = signed_in("store", store_id=store.id)
    # A person nobody scanned here is not open for notes either.
    desk.post(f"/console/scan/people/{mei.ref}/notes", {"text": "sneaky"})
    desk.post("/console/scan/", {"code": mei.card_number}, on="/console/scan/")
    desk.post(f"/console/scan/people/{mei.ref}/notes", {"text": "Asks for the seat by the window."})
    desk.post(f"/console/scan/people/{mei.ref}/notes", {"text": "  "})
    page = desk.get(f"/console/scan/people/{mei.ref}").text
    assert "Asks for the seat by the window." in page
    assert "sneaky" not in page
    told = signed_in("marketer").get(f"/console/members/{mei.ref}").text
    assert "Note: Asks for the seat by the window." in told
    assert "Store" in told
    with sessions.reading() as session:
        assert [note.text for note in session.scalars(select(StaffNote))] == ["Asks for the seat by the window."]
        assert session.scalars(select(Event.kind).where(Event.kind == "noted")).all() == ["noted"]


def test_a_marketer_gives_and_takes_a_tag_by_hand_but_not_a_rules(
    signed_in: Callable[..., Desk], sessions: Sessions
) -> None:
    with sessions.writing() as session:
        mei = make_member(session, name="Mei")
        make_tag(session, "press", name={"en": "Writes about us"})
        make_tag(session, "regular", name={"en": "Regular"}, rule={"condition": "registered"})
        session.commit()
    desk = signed_in("marketer")
    where = f"/console/members/{mei.ref}"
    assert 'value="regular"' not in desk.get(where).text
    assert desk.post(f"{where}/tags", {"tag": "press", "deed": "give"}, on=where).status_code == 303
    page = desk.get(where).text
    assert "given by staff" in page
    assert "Tagged: Writes about us" in page
    desk.post(f"{where}/tags", {"tag": "regular", "deed": "give"}, on=where)
    desk.post(f"{where}/tags", {"tag": "press", "deed": "take"}, on=where)
    with sessions.reading() as session:
        rows = session.execute(select(MemberTag.source, MemberTag.removed_at)).all()
        assert [(source, removed is not None) for source, removed in rows] == [("staff", True)]
        deeds = session.scalars(
            select(AuditLine.action).where(AuditLine.member_id == mei.id).order_by(AuditLine.id)
        ).all()
        assert [each for each in deeds if each.startswith("tag_")] == ["tag_given", "tag_taken"]
