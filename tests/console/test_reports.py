"""Reports in the console: the list, a report, the people behind its numbers, a list kept, a decision noted."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from domain.reports.told import all_pages
from jobs.runner import run_by_hand
from models.member import Member
from models.packing import pack
from models.programme import Segment
from models.score import KeptReport, Snapshot
from models.session import Sessions
from models.staff import AuditLine
from tests.console.conftest import Desk
from tests.support.factories import make_member
from tests.support.moments import NOW

SignIn = Callable[..., Desk]
LIST = "list=asleep%3Evip&by=rfm&from=2026-01&to=2026-02"


@pytest.fixture
def moved(sessions: Sessions) -> list[str]:
    """Three who came back between January and February, and one who did not."""
    with sessions.writing() as session:
        people = [make_member(session, name=f"Person {n}") for n in range(4)]
        for month, values in (
            ("2026-01", {"asleep": people}), ("2026-02", {"vip": people[:3], "asleep": people[3:]})
        ):  # fmt: skip
            for value, members in values.items():
                ids = pack(member.id for member in members)
                session.add(
                    Snapshot(month=month, dimension="rfm", value=value, count=len(members), ids=ids, taken_at=NOW)
                )
        session.commit()
        return [member.ref for member in people]


def test_the_list_names_every_report_and_each_opens(signed_in: SignIn) -> None:
    desk = signed_in("viewer")
    listed = desk.get("/console/reports/").text
    for key in all_pages():
        assert f"/console/reports/{key}" in listed
        page = desk.get(f"/console/reports/{key}")
        assert page.status_code == 200, key
        assert "When" in page.text or "when not to trust it" in page.text
    assert desk.get("/console/reports/horoscope").status_code == 404


def test_store_staff_see_no_reports(signed_in: SignIn, moved: list[str]) -> None:
    desk = signed_in("store")
    assert desk.get("/console/reports/").status_code == 403
    assert desk.get(f"/console/reports/movement/people?{LIST}").status_code == 403


def test_a_number_opens_into_exactly_its_people(signed_in: SignIn, moved: list[str]) -> None:
    desk = signed_in("viewer")
    page = desk.get("/console/reports/movement?by=rfm").text
    assert "3 people came closer" in page
    link = next(each for each in re.findall(r'href="([^"]*people[^"]*)"', page) if "asleep%3Evip" in each)
    people = desk.get(unescape(link)).text
    assert "3 people" in people
    assert [f"Person {n}" in people for n in range(4)] == [True, True, True, False]
    assert "never bought" in people
    assert "Keep these people" not in people  # a viewer keeps nothing


def test_pages_of_a_long_list_follow_each_other(signed_in: SignIn, sessions: Sessions) -> None:
    with sessions.writing() as session:
        people = [make_member(session, friend=False, name=f"N{n:03}") for n in range(120)]
        for month, value in (("2026-01", "asleep"), ("2026-02", "vip")):
            ids = pack(member.id for member in people)
            session.add(Snapshot(month=month, dimension="rfm", value=value, count=120, ids=ids, taken_at=NOW))
        session.commit()
    desk, seen, url = signed_in("marketer"), [], f"/console/reports/movement/people?{LIST}"
    while url:
        page = desk.get(url).text
        seen += re.findall(r"N\d{3}", page)
        following = re.search(r'href="([^"]*)" rel="next"', page)
        url = unescape(following.group(1)) if following else ""
    assert sorted(seen) == [f"N{n:03}" for n in range(120)]


def test_a_list_is_kept_as_a_segment_of_these_very_people(
    signed_in: SignIn, sessions: Sessions, moved: list[str]
) -> None:
    desk = signed_in("marketer")
    form = {"list": "asleep>vip", "by": "rfm", "from": "2026-01", "to": "2026-02", "name": "Came back"}
    answer = desk.post("/console/reports/movement/keep", form)
    assert answer.status_code == 303
    with sessions.reading() as session:
        segment = session.scalars(select(Segment).where(Segment.name == "Came back")).one()
        assert sorted(segment.rule["members"]) == sorted(moved[:3])
        line = session.scalars(select(AuditLine).where(AuditLine.action == "list_kept")).one()
        assert line.data == {"people": 3, "report": "movement"}
    assert "Came back" in desk.get(answer.headers["Location"]).text
    assert signed_in("viewer").post("/console/reports/movement/keep", form).status_code in (302, 303, 403)
    with sessions.reading() as session:
        assert len(session.scalars(select(Segment)).all()) == 1


def test_a_decision_is_noted_with_its_writer(signed_in: SignIn, sessions: Sessions) -> None:
    with sessions.writing() as session:
        session.add(Segment(key="all", name="All of them", rule={}, created_at=NOW))
        make_member(session)
        session.commit()
    desk = signed_in("marketer")
    form = {"about": "cadence:2026-Q1", "name": "All of them", "words": "Every six weeks", "quarter": "2026-Q1"}
    assert desk.post("/console/reports/cadence/note", form).status_code == 303
    page = desk.get("/console/reports/cadence?quarter=2026-Q1").text
    assert page.count("Every six weeks") == 2  # in the table and in the field
    assert "Noted by Marketer" in page
    assert desk.post("/console/reports/cadence/note", {**form, "about": "noted:else"}).status_code in (303, 422)
    with sessions.reading() as session:
        assert {row.name for row in session.scalars(select(KeptReport))} == {"noted:cadence:2026-Q1"}
        assert session.scalar(select(AuditLine.object).where(AuditLine.action == "report_noted")) == "cadence:2026-Q1"


def test_the_night_counts_what_takes_long_and_may_run_twice(sessions: Sessions) -> None:
    for _ in range(2):
        assert run_by_hand(sessions, "reports", now=NOW)
    with sessions.reading() as session:
        assert set(session.scalars(select(KeptReport.name))) == {"basket:product", "basket:category"}


def test_a_person_who_left_is_in_no_list(signed_in: SignIn, sessions: Sessions, moved: list[str]) -> None:
    """A closed list keeps its count, as the Review does; whom it may not name it does not name."""
    with sessions.writing() as session:
        gone = session.scalars(select(Member).where(Member.ref == moved[0])).one()
        gone.name, gone.erased_at = None, NOW - timedelta(days=1)
        session.commit()
    page = signed_in("viewer").get(f"/console/reports/movement/people?{LIST}").text
    assert "Person 0" not in page
