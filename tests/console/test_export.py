"""The owner takes all data out as one file; nobody else can, and it is written down."""

import csv
import io
import zipfile

import pytest

from models.staff import AuditLine
from tests.support.factories import make_member

EXPORT = "/console/settings/export/"


def test_the_owner_downloads_everything_as_one_zip(signed_in, sessions):
    with sessions.writing() as session:
        make_member(session, name="陳美玲")
        session.commit()
    desk = signed_in("owner")
    assert "Download all data" in desk.get(EXPORT).text
    answer = desk.post(EXPORT, on=EXPORT)
    assert answer.headers["Content-Disposition"].endswith(".zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    members = csv.DictReader(io.StringIO(archive.read("members.csv").decode("utf-8-sig")))
    assert [row["name"] for row in members] == ["陳美玲"]
    assert {"purchases.csv", "events.jsonl", "tables/member.jsonl"} <= set(archive.namelist())
    assert b"password_hash" not in archive.read("tables/staff.jsonl")
    with sessions.reading() as session:
        assert session.query(AuditLine).filter_by(action="exported").count() == 1


@pytest.mark.parametrize("role", ["marketer", "viewer"])
def test_nobody_else_takes_it(signed_in, role):
    desk = signed_in(role)
    assert desk.get(EXPORT).status_code == 403
    assert desk.post(EXPORT, on=EXPORT).mimetype != "application/zip"
