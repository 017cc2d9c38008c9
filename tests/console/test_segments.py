"""Segments in the console: build, see, save, list, take out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

import door
from domain.rules import _sets
from jobs import retag
from models.programme import Segment, Tag
from models.session import Sessions
from models.staff import AuditLine
from tests.support.factories import make_member, make_tag
from tests.support.moments import NOW

RULE = {
    "r.join": "all", "r.n": "2",
    "r-0.c": "has_tag", "r-0.p.tag": "vip",
    "r-1.join": "any", "r-1.n": "2", "r-1.not": "1",
    "r-1-0.c": "spent", "r-1-0.p.compare": "at_least", "r-1-0.p.amount": "5,000", "r-1-0.p.days": "30",
    "r-1-1.c": "consented", "r-1-1.not": "1",
}  # fmt: skip
WANTED = {
    "all": [
        {"condition": "has_tag", "tag": "vip"},
        {
            "not": {
                "any": [
                    {"condition": "spent", "amount": 5000, "days": 30},
                    {"not": {"condition": "consented"}},
                ]
            }
        },
    ]
}


def one_segment(sessions: Sessions) -> Segment:
    with sessions.reading() as session:
        return session.scalars(select(Segment)).one()


def test_a_rule_is_built_with_a_form_and_comes_back_as_it_was(
    signed_in: Callable[..., Any], sessions: Sessions
) -> None:
    with sessions.writing() as session:
        make_tag(session, "vip", name={"en": "VIP"})
        session.commit()
    desk = signed_in("marketer")
    answer = desk.post("/console/segments/save", {"name": "Quiet VIPs", **RULE})
    assert answer.status_code == 303
    assert one_segment(sessions).rule == WANTED
    page = desk.get(answer.headers["Location"]).text
    assert "has the tag VIP" in page
    assert 'name="r-1-0.p.amount" value="5000"' in page
    assert desk.get("/console/segments/").text.count("has the tag VIP and ") == 1


def test_the_piece_says_each_part_and_shows_who_it_is(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    with sessions.writing() as session:
        make_member(session, name="Mei", marketing_consent=True)
        make_member(session, name="Rin", marketing_consent=False)
        make_member(session, name="Tester", is_test=True)
        session.commit()
    desk = signed_in("viewer")
    found = desk.post("/console/segments/piece", {"r.join": "all", "r.n": "1", "r-0.c": "consented"}).json
    assert found["words"] == {"r-0": "agreed to marketing"}
    assert "Mei" in found["html"]
    assert "Rin" not in found["html"]
    assert "Tester" not in found["html"]
    missing = desk.post("/console/segments/piece", {"r.join": "all", "r.n": "1", "r-0.c": "spent"}).json
    assert missing["words"] == {"r-0": ""}
    assert "Fill it in" in missing["html"]


def test_parts_are_added_and_removed_without_scripts(signed_in: Callable[..., Any]) -> None:
    desk = signed_in("marketer")
    form = {"r.join": "all", "r.n": "1", "r-0.c": "consented", "name": "kept"}
    added = desk.post("/console/segments/edit", {**form, "do": "add r"}).text
    assert 'name="r-1.c"' in added
    assert 'value="kept"' in added
    grouped = desk.post("/console/segments/edit", {**form, "do": "group r"}).text
    assert 'name="r-1.join"' in grouped
    assert 'name="r-1-0.c"' in grouped
    removed = desk.post("/console/segments/edit", {**form, "do": "remove r-0"}).text
    assert 'name="r-0.c"' not in removed


def test_a_segment_changed_by_somebody_else_is_not_overwritten(
    signed_in: Callable[..., Any], sessions: Sessions
) -> None:
    desk = signed_in("marketer")
    form = {"r.join": "all", "r.n": "1", "r-0.c": "consented"}
    desk.post("/console/segments/save", {"name": "A", **form})
    key = one_segment(sessions).key
    desk.post("/console/segments/save", {"name": "B", "key": key, "version": "1", **form})
    desk.post("/console/segments/save", {"name": "C", "key": key, "version": "1", **form})
    assert (one_segment(sessions).name, one_segment(sessions).version) == ("B", 2)


def test_only_the_owner_takes_the_list_out_and_it_is_noted(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    with sessions.writing() as session:
        make_member(session, name="=HYPERLINK(evil)", phone="+886911")
        session.commit()
    marketer, owner = signed_in("marketer"), signed_in("owner")
    marketer.post("/console/segments/save", {"name": "All", "r.join": "all", "r.n": "0"})
    assert marketer.get("/console/segments/all/people.csv").status_code == 403
    answer = owner.get("/console/segments/all/people.csv")
    assert answer.text.startswith("\ufeffmember_ref,")
    assert "'=HYPERLINK" in answer.text
    with sessions.reading() as session:
        assert session.scalar(select(AuditLine).where(AuditLine.action == "segment_exported"))


def test_people_are_listed_and_the_segment_can_leave_the_list(
    signed_in: Callable[..., Any], sessions: Sessions
) -> None:
    with sessions.writing() as session:
        make_member(session, name="Mei")
        session.commit()
    desk = signed_in("marketer")
    desk.post("/console/segments/save", {"name": "All", "r.join": "all", "r.n": "0"})
    assert "Mei" in desk.get("/console/segments/all/people").text
    assert desk.post("/console/segments/all/archive").status_code == 303
    assert "No segment yet" in desk.get("/console/segments/").text


def test_a_segment_can_be_kept_as_a_tag_that_the_night_gives(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    with sessions.writing() as session:
        make_member(session, marketing_consent=True)
        make_member(session, marketing_consent=False)
        session.commit()
    desk = signed_in("marketer")
    desk.post("/console/segments/save", {"name": "Agreed", "r.join": "all", "r.n": "1", "r-0.c": "consented"})
    assert desk.post("/console/segments/agreed/tag").status_code == 303
    assert desk.post("/console/segments/agreed/tag").status_code == 303
    assert retag.run(sessions, now=NOW, progress=str)["given"] == 1
    with sessions.reading() as session:
        tag = session.scalars(select(Tag).where(Tag.key == "agreed")).one()
    assert tag.rule_version == 1


def test_a_viewer_saves_nothing(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    answer = signed_in("viewer").post("/console/segments/save", {"name": "A", "r.join": "all", "r.n": "0"}, on="")
    assert answer.status_code in (303, 403)
    with sessions.reading() as session:
        assert session.scalars(select(Segment)).all() == []


def test_a_large_brand_sees_as_of_when_it_was_counted(
    signed_in: Callable[..., Any], sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sets, "LARGE", 1)
    with sessions.writing() as session:
        make_member(session, name="Mei", language="ja")
        make_member(session, name="Aki", language="th")
        session.commit()
    rule = {"r.join": "all", "r.n": "1", "r-0.c": "language_is", "r-0.p.languages": "ja"}
    desk = signed_in("marketer")
    monkeypatch.setattr(door, "now", lambda: NOW)
    at_first = desk.post("/console/segments/piece", rule).json["html"]
    assert "Mei" in at_first
    assert "Aki" not in at_first
    assert "Counted as of" not in at_first
    desk.post("/console/segments/save", {"name": "Japanese", **rule})
    monkeypatch.setattr(door, "now", lambda: NOW + timedelta(minutes=3))
    assert "Counted as of 12:00." in desk.post("/console/segments/piece", rule).json["html"]
    page = desk.get("/console/segments/").text
    assert "Counted as of 12:00." in page
    assert "1 people of Japanese" in page
