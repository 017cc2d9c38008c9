"""Keys and first steps at the terminal."""

from sqlalchemy import select

from app import create_app
from models.session import Sessions, make_engine
from models.staff import ApiKey, AuditLine
from settings import Settings
from tests.api.conftest import SECRET, Desk, Till


def test_a_key_is_shown_once_stored_hashed_and_can_be_ended(desk: Desk, sessions: Sessions) -> None:
    key = desk.run("key", "add", "pos").output.strip()
    with sessions.reading() as session:
        row = session.scalars(select(ApiKey)).one()
        assert key not in row.key_hash
        assert "added_key" in session.scalars(select(AuditLine.action)).all()
    till = Till(desk.app.test_client(), key)
    assert till.post("events").status_code == 200
    with sessions.reading() as session:
        assert session.scalars(select(ApiKey)).one().last_used_at is not None
    twice = desk.run("key", "add", "pos")
    assert twice.exit_code == 1
    assert "Choose another name" in twice.output
    assert desk.run("key", "revoke", "pos").exit_code == 0
    assert till.post("events").status_code == 401


def test_import_says_what_is_missing_before_it_starts(desk: Desk, sessions: Sessions, database_url: str) -> None:
    file = desk.write("m.csv", "member_ref", "S1")
    pounds = create_app(Settings(database_url=database_url, secret_key=SECRET, currency="GBP"), sessions)
    result = Desk(pounds, desk.folder).run("import", "members", file)
    assert result.exit_code == 1
    assert "keeps TWD" in result.output
    empty = f"sqlite:///{desk.folder / 'empty.db'}"
    app = create_app(Settings(database_url=empty, secret_key=SECRET), Sessions(make_engine(empty)))
    result = Desk(app, desk.folder).run("import", "members", file)
    assert "flask migrate" in result.output
