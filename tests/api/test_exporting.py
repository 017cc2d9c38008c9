"""All data goes out in open files, and back in."""

import json
import re
import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from api.exporting import SECRET_COLUMNS, SECRET_TABLES, escaped, unescaped
from app import create_app
from domain.operations import converting
from domain.operations.recording import record
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.event import Event
from models.member import Member
from models.purchase import PurchaseLine
from models.session import Sessions, make_engine
from models.staff import AuditLine, Staff
from models.tables import metadata
from settings import Settings
from tests.api.conftest import SECRET, Desk, FixedClock
from tests.api.test_importing import DIRTY, EVENTS, MEI, MEMBERS
from tests.support import databases
from tests.support.moments import NOW

FILES = ("members.csv", "purchases.csv", "events.jsonl")


@pytest.mark.parametrize("text", ["=1+1", "+886912345678", "-", "@x", "'=1", "''@", "'quoted'", "plain", "", "'"])
def test_spreadsheets_see_text_and_import_sees_what_was_there(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(("=", "+", "-", "@"))


@pytest.fixture
def filled(desk: Desk, sessions: Sessions) -> Desk:
    """A shop with imported history and some of its own."""
    desk.load(
        "members",
        desk.write(
            "m.csv",
            MEMBERS + ",note",
            f'S1,{MEI},=cmd(),0912-345-678,mei@example.com,1992-02-29,f,2025-01-05 09:30,xinyi,zh-TW,yes,"-1, \'=2"',
            'S2,,"陳, ""Ken""\nLin",,,,,,,,,',
            "S3,,Aoi,,,,,2025-02-01,,ja,no,",
        ),
    )
    desk.load("purchases", desk.write("p.csv", *DIRTY, "R1,1,S1,2025-04-01,pos,xinyi,tea,,,-1,-40,refund,"))
    desk.load(
        "events", desk.write("e.jsonl", *EVENTS, '{"id":"x-1","kind":"visited","member_ref":"S3","at":"2025-03-01"}')
    )
    with sessions.writing() as session:
        aoi = session.scalars(select(Member).where(Member.ref == "S3")).one()
        record(session, "opened_app", member_id=aoi.id, source="liff", data={"page": "card"}, now=NOW)
        converting.complete(
            session, member_id=aoi.id, type="form", object="form:taste", source="liff", once="f1", now=NOW
        )
        campaign = Campaign(
            ref="own", name="Own", state="sent", state_at=NOW, created_at=NOW, channel_id=the_channel(session).id
        )
        session.add(campaign)
        session.flush()
        session.add(Recipient(campaign_id=campaign.id, member_id=aoi.id, state="sent", due_at=NOW, sent_at=NOW))
        session.add(Staff(login="o", name="Owner", role="owner", created_at=NOW, password_hash="argon-hash"))
        session.commit()
    return desk


def texts(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text(encoding="utf-8") for name in FILES}


def test_what_goes_out_comes_back_the_same(filled: Desk, sessions: Sessions, database_url: str, tmp_path: Path) -> None:
    out = filled.run("export", tmp_path / "first")
    assert out.exit_code == 0, out.output
    kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    second_url = databases.fresh(kind, "second", tmp_path)
    second = Sessions(make_engine(second_url))
    app = create_app(Settings(database_url=second_url, secret_key=SECRET), second)
    object.__setattr__(app.extensions["regulars"], "clock", FixedClock(NOW))
    other = Desk(app, tmp_path)
    for name in FILES:
        other.load(name.split(".")[0], tmp_path / "first" / name)
    assert other.run("export", tmp_path / "second").exit_code == 0
    assert texts(tmp_path / "second") == texts(tmp_path / "first")
    assert not list((tmp_path / "first").glob("*.rejected.csv"))
    second.engine.dispose()
    databases.drop(second_url)


def test_our_own_export_does_not_double_us(filled: Desk, sessions: Sessions, tmp_path: Path) -> None:
    filled.run("export", tmp_path / "out")
    for name in FILES:
        assert ": 0 loaded" in filled.load(name.split(".")[0], tmp_path / "out" / name)
    filled.run("export", tmp_path / "again")
    assert texts(tmp_path / "again") == texts(tmp_path / "out")


def test_every_table_goes_out_but_no_secret(filled: Desk, sessions: Sessions, tmp_path: Path) -> None:
    filled.run("export", tmp_path / "out")
    written = {path.stem for path in (tmp_path / "out" / "tables").glob("*.jsonl")}
    assert written == set(metadata.tables) - SECRET_TABLES
    whole = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "out").rglob("*.jsonl"))
    assert "argon-hash" not in whole
    for line in (tmp_path / "out/tables/staff.jsonl").read_text().splitlines():
        assert json.loads(line)["login"] == "o"
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "out/members.csv").stat().st_mode) == 0o600
    with sessions.reading() as session:
        assert "exported" in session.scalars(select(AuditLine.action)).all()
        assert session.scalars(select(Event)).first() is not None
        assert session.scalars(select(PurchaseLine)).first() is not None


# Columns whose names sound secret and are not: what they are instead.
HARMLESS = {
    "draw.list_hash": "anyone may see it",
    "draw.seed_hash": "anyone may see it, before the seed itself",
    "tracked_link.token": "names a link, opens nothing",
}


def test_a_new_column_that_sounds_secret_is_decided_on() -> None:
    suspicious = re.compile(r"hash|secret|password|totp|token|session")
    for table in metadata.sorted_tables:
        if table.name in SECRET_TABLES:
            continue
        for column in table.columns:
            hidden = column.name in SECRET_COLUMNS.get(table.name, ())
            assert hidden or not suspicious.search(column.name) or f"{table.name}.{column.name}" in HARMLESS
