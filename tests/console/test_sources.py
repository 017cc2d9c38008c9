"""Entry sources in the console: added, shown with their code, downloaded, opened into their people."""

from collections.abc import Callable

from sqlalchemy import select

from models.member import Member
from models.programme import EntrySource
from models.session import Sessions
from tests.console.conftest import Desk
from tests.support.factories import make_member
from tests.support.moments import NOW


def test_a_source_is_added_printed_and_opens_into_its_people(
    signed_in: Callable[..., Desk], sessions: Sessions
) -> None:
    desk = signed_in("marketer")
    assert "No source yet" in desk.get("/console/sources/").text
    form = {"name": "Lin at the counter", "key": "lin", "kind": "staff"}
    assert desk.post("/console/sources/", form).status_code == 303
    with sessions.writing() as session:
        make_member(session, name="Mei", entry_source="lin", created_at=NOW)
        session.commit()
    page = desk.get("/console/sources/lin").text
    assert "/from/lin" in page
    assert "<svg" in page
    assert "Mei" in page
    assert "Nobody yet" in desk.get("/console/sources/lin?of=buyers").text
    png = desk.get("/console/sources/lin/code.png")
    assert png.data.startswith(b"\x89PNG")
    assert desk.get("/console/sources/lin/code.svg").mimetype == "image/svg+xml"
    assert "Lin at the counter" in desk.get("/console/sources/").text
    assert desk.get("/console/sources/nothing").status_code == 404
    assert desk.get("/console/sources/lin?of=nothing").status_code == 404


def test_who_only_looks_adds_nothing(signed_in: Callable[..., Desk], sessions: Sessions) -> None:
    viewer = signed_in("viewer")
    assert "Add a source" not in viewer.get("/console/sources/").text
    viewer.post("/console/sources/", {"name": "x", "key": "x", "kind": "ad"})
    assert signed_in("store", store_id=None).get("/console/sources/").status_code == 403
    marketer = signed_in("marketer")
    marketer.post("/console/sources/", {"name": "x", "key": "No Good", "kind": "ad"})
    with sessions.reading() as session:
        assert session.scalars(select(EntrySource)).all() == []
        assert session.scalars(select(Member)).all() == []
