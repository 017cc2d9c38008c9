"""A file is brought, looked at, loaded by the worker, and what was refused comes back."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import func, select

from domain.operations import uploading
from domain.operations.leaving import erase
from jobs import uploads
from models.clock import machine_now
from models.member import Member
from models.purchase import Purchase
from models.session import Sessions
from models.staff import AuditLine
from models.upload import Upload, next_upload, take_upload
from tests.console.conftest import Desk
from tests.support.factories import make_member

POS = (
    "單號,日期,時間,門市,會員,品號,品名,類別,數量,金額,類型,原單號\n"
    "A1,2026/3/1,14:05,daan,0912345678,tea,高山茶,茶,2,1200,銷售,\n"
    "A2,2026/3/1,14:05,daan,,cup,杯,器,1,free,銷售,\n"
)
MAP = "reads: members\nfields:\n  member_ref: {column: number}\n  name: {column: call}\n"


def bring(desk: Desk, text: str, way: str, *, encoding: str = "utf-8", own_map: str = "") -> Any:
    data: dict[str, Any] = {"way": way, "file": (io.BytesIO(text.encode(encoding)), "march.csv")}
    if own_map:
        data["map"] = (io.BytesIO(own_map.encode()), "mine.yaml")
    return desk.post("/console/import/", data, on="/console/import/", content_type="multipart/form-data")


def flashes(desk: Desk) -> str:
    return str(desk.get("/console/import/").text)


def only(sessions: Sessions) -> Upload:
    with sessions.reading() as session:
        return session.scalars(select(Upload)).one()


def test_a_file_is_looked_at_loaded_and_its_refused_lines_taken_home(
    app: APIFlask, signed_in: Callable[..., Desk], sessions: Sessions
) -> None:
    desk = signed_in("marketer")
    assert "No file yet" in desk.get("/console/import/").text
    answer = bring(desk, POS, "map:pos_sheet", encoding="cp950")
    assert answer.status_code == 303
    page = desk.get(answer.headers["Location"]).text
    assert "1 of 2 lines can be read." in page
    assert "高山茶" in page
    assert "amount is free" in page
    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(Purchase)) == 0
    assert uploads.step(app.extensions["regulars"]) == 0  # nobody asked yet
    where = answer.headers["Location"]
    assert desk.post(f"{where}/load").status_code == 303
    assert "Waiting to be loaded" in desk.get(where).text
    assert uploads.step(app.extensions["regulars"]) == 1
    assert uploads.step(app.extensions["regulars"]) == 0
    assert "1 lines loaded, 0 known already, 1 refused" in desk.get(f"{where}/progress").text
    assert "amount is …, which is not a number" in desk.get(where).text
    refused = desk.get(f"{where}/refused.csv")
    assert "amount is free" in refused.data.decode("utf-8-sig")
    assert "1 order of nobody we know, for NT$ 1,200" in flashes(desk)
    assert "+886912345678" in desk.get("/console/import/unknown").text
    row = only(sessions)
    with sessions.reading() as session:
        assert session.get_one(Upload, row.id).body is None
        line = session.scalars(select(AuditLine).where(AuditLine.action == "imported_purchases")).one()
        assert (line.staff_id, line.data["file"]) == (row.staff_id, "march.csv")
    # Asked twice it is loaded once.
    desk.post(f"{where}/load")
    assert "this file is being loaded, or was" in flashes(desk)


def test_a_map_of_ones_own_comes_beside_the_file(
    app: APIFlask, signed_in: Callable[..., Desk], sessions: Sessions
) -> None:
    desk = signed_in("marketer")
    where = bring(desk, "number,call\nS1,Mei\n", "own", own_map=MAP).headers["Location"]
    assert only(sessions).what == "members"
    desk.post(f"{where}/load")
    uploads.step(app.extensions["regulars"])
    with sessions.reading() as session:
        assert session.scalars(select(Member.name)).all() == ["Mei"]


@pytest.mark.parametrize(
    ("text", "way", "own_map", "words"),
    [
        ("", "members", "", "the file is empty"),
        ("a,b", "nothing", "", "choose how the file is written"),
        ("a,b", "own", "", "choose the file of your map"),
        (
            "a,b",
            "own",
            "reads: purchases\nfields: {price: {column: a}}",
            "cannot be read: at the whole, fields lack order_id",
        ),
    ],
)
def test_what_cannot_be_kept_says_why(
    signed_in: Callable[..., Desk], sessions: Sessions, text: str, way: str, own_map: str, words: str
) -> None:
    desk = signed_in("marketer")
    bring(desk, text, way, own_map=own_map)
    assert words in flashes(desk)
    with sessions.reading() as session:
        assert session.scalars(select(Upload.id)).all() == []


def test_another_file_than_the_map_reads_says_so_before_anything_is_loaded(signed_in: Callable[..., Desk]) -> None:
    desk = signed_in("marketer")
    where = bring(desk, "a,b\n1,2\n", "map:shopee_tw").headers["Location"]
    page = desk.get(where).text
    assert "The file lacks the columns" in page
    assert desk.post(f"{where}/let-go").status_code == 303
    assert desk.get(where).status_code == 404


def test_a_dead_workers_file_is_taken_up_and_only_by_one(sessions: Sessions) -> None:
    with sessions.writing() as session:
        machine = machine_now(session)
        session.add(Upload(what="members", name="m.csv", body=b"x", size=1, state="waiting", created_at=machine))
        session.commit()
    row = only(sessions)
    lease = timedelta(minutes=10)
    with sessions.writing() as session:
        assert take_upload(session, row.id, machine_now=machine, lease_until=machine + lease)
        assert not take_upload(session, row.id, machine_now=machine, lease_until=machine + lease)
        assert next_upload(session, machine_now=machine) is None
        later = machine + lease + timedelta(seconds=1)
        assert next_upload(session, machine_now=later) == row.id
        assert take_upload(session, row.id, machine_now=later, lease_until=later + lease)
        session.commit()


def test_files_and_refused_lines_are_not_kept_for_ever(sessions: Sessions, now: Any) -> None:
    with sessions.writing() as session:
        mei = make_member(session)
        old = Upload(what="members", name="old.csv", body=b"x", size=1, created_at=now - timedelta(days=2))
        done = Upload(
            what="members", name="done.csv", size=1, state="done", rejected=b"Mei", has_rejected=True,
            created_at=now, finished_at=now - timedelta(days=29),
        )  # fmt: skip
        session.add_all([old, done])
        session.flush()
        assert uploading.forget_old(session, now=now) == 1
        assert session.scalars(select(Upload.name).where(Upload.has_rejected)).all() == ["done.csv"]
        erase(session, mei, by="member", now=now)
        assert session.scalars(select(Upload.name).where(Upload.has_rejected)).all() == []
        session.rollback()


def test_only_marketers_and_owners_load_files(signed_in: Callable[..., Desk]) -> None:
    assert signed_in("viewer").get("/console/import/").status_code == 403
    assert signed_in("store").get("/console/import/").status_code == 403
    assert signed_in("owner").get("/console/import/").status_code == 200
