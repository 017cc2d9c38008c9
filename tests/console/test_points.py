"""Points at the desk and at the counter: what is owed opens into people, uses can be undone, changes say why."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from domain.operations import granting
from models.automation import JobRun
from models.codes import make_code
from models.member import Member
from models.points import PointLine, PointLot
from models.programme import the_brand
from models.staff import AuditLine
from tests.support.factories import make_member
from tests.support.purse import have_points, put_points

PAGE = "/console/points/"
SECRET = "a secret for tests, long enough"
NOW = datetime.now(UTC)


@pytest.fixture
def mei(sessions) -> Member:
    with sessions.writing() as session:
        made = make_member(session, name="Mei Chen")
        put_points(session, made, 120, at=NOW - timedelta(days=3), expires_at=NOW + timedelta(days=400))
        session.commit()
        return made


def balance(sessions, member: Member) -> int:
    with sessions.reading() as session:
        return sum(session.scalars(select(PointLot.remaining).where(PointLot.member_id == member.id)))


def test_what_is_owed_opens_into_the_people_behind_it(sessions, signed_in, mei) -> None:
    with sessions.writing() as session:
        the_brand(session).point_cost = 0.5
        put_points(session, make_member(session, name="Debtor"), -7, at=NOW, usable_at=None)
        session.commit()
    desk = signed_in("viewer")
    page = desk.get(PAGE).text
    assert "120 points are in people&#39;s hands." in page
    assert "60" in page  # what they would cost
    behind = re.search(r'href="(/console/points/people/\d{4}-\d\d)"', page)
    assert behind
    people = desk.get(behind[1]).text
    assert "Mei Chen" in people
    assert "Debtor" not in people
    assert "Debtor" in desk.get(PAGE + "people/debt").text
    assert desk.get(PAGE + "people/someday").status_code == 404


def test_without_points_the_page_says_how_to_have_some(signed_in) -> None:
    assert "Purchases earn no points" in signed_in("viewer").get(PAGE).text


def test_the_page_says_how_points_are_earned(sessions, signed_in) -> None:
    with sessions.writing() as session:
        have_points(session)
        session.commit()
    page = signed_in("viewer").get(PAGE).text
    assert "1 point for each full 100 of an order" in page
    assert "2 times as many · on day 18 of the month · for gold, black" in page


def counter(signed_in, store, member: Member):
    desk = signed_in("store", store_id=store.id)
    desk.post("/console/scan/", {"code": make_code(SECRET, member.ref, datetime.now(UTC))}, on="/console/scan/")
    return desk, f"/console/scan/people/{member.ref}"


def test_points_are_used_at_the_counter_once_and_taken_back(sessions, signed_in, store, mei) -> None:
    desk, page = counter(signed_in, store, mei)
    once = re.search(r'name="once" value="(\w+)"', desk.get(page).text)
    assert once
    for _ in range(2):  # the same form sent twice
        desk.post(f"{PAGE}at-the-counter/{mei.ref}", {"points": "50", "once": once[1]}, on=page)
    assert balance(sessions, mei) == 70
    shown = desk.get(page).text
    assert "50 points used" in shown
    desk.post(f"{PAGE}at-the-counter/{mei.ref}/{once[1]}/undo", {}, on=page)
    assert balance(sessions, mei) == 120
    assert "50 points used" not in desk.get(page).text


@pytest.mark.parametrize("typed", ["121", "0", "-5", "many", ""])
def test_what_cannot_be_used_is_refused_in_words(sessions, signed_in, store, mei, typed) -> None:
    desk, page = counter(signed_in, store, mei)
    desk.post(f"{PAGE}at-the-counter/{mei.ref}", {"points": typed}, on=page)
    assert "flash refused" in desk.get(page).text
    assert balance(sessions, mei) == 120


def test_store_staff_use_points_only_of_who_stands_before_them(sessions, signed_in, store, mei) -> None:
    desk = signed_in("store", store_id=store.id)
    desk.post(f"{PAGE}at-the-counter/{mei.ref}", {"points": "5"}, on="/console/scan/")
    assert balance(sessions, mei) == 120
    answer = desk.post(f"{PAGE}of/{mei.ref}", {"points": "5", "why": "a friend"}, on="/console/scan/")
    assert answer.status_code in (303, 403)
    assert balance(sessions, mei) == 120


def test_points_given_by_hand_need_a_reason_and_are_audited(sessions, signed_in, mei) -> None:
    desk, page = signed_in("marketer"), f"/console/members/{mei.ref}"
    desk.post(f"{PAGE}of/{mei.ref}", {"points": "30", "why": ""}, on=page)
    assert balance(sessions, mei) == 120
    desk.post(f"{PAGE}of/{mei.ref}", {"points": "−20", "why": "given twice"}, on=page)
    assert balance(sessions, mei) == 100
    assert "given twice" in desk.get(page).text
    with sessions.reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "adjusted_points")).one()
        assert line.data == {"points": -20, "why": "given twice"}


def test_what_does_not_add_up_is_shown_with_its_people_and_mended_by_the_owner(sessions, signed_in, mei) -> None:
    with sessions.writing() as session:
        session.execute(update(PointLot).values(remaining=119))
        session.add(
            JobRun(job="points", period="2026-01-01", state="done", started_at=NOW, report={"differ": [mei.id]})
        )
        session.commit()
    desk = signed_in("owner")
    page = desk.get(PAGE).text
    assert "do not add up" in page
    assert "Mei Chen" in page
    assert "People whose points do not add up: 1." in desk.get("/console/health/").text
    desk.post(PAGE + "mend", {}, on=PAGE)
    assert balance(sessions, mei) == 120
    assert "do not add up" not in desk.get(PAGE).text
    with sessions.reading() as session:
        assert session.scalar(select(PointLine.id).where(PointLine.reason == "adjusted")) is None


def test_the_persons_page_says_what_they_may_enter_and_until_when(sessions, signed_in, mei) -> None:
    with sessions.writing() as session:
        benefit = {"access": {"key": "club", "days": 365}}
        granting.grant(session, member_id=mei.id, benefit=benefit, cause="test", now=NOW)
        the_brand(session).wording = {"access_club": {"en": "Tea club"}}
        session.commit()
    assert "Access to Tea club" in signed_in("marketer").get(f"/console/members/{mei.ref}").text
