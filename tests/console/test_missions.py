"""The console on missions, draws and friends: numbers open into their people, switches are audited."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.operations import drawing, granting, missions, visiting
from models.benefit import Coupon
from models.mission import Mission, Referral
from models.session import Sessions
from models.staff import AuditLine
from tests.domain.operations.test_missions import make_draw
from tests.support.factories import make_coupon, make_member, make_store

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def stamps(sessions: Sessions) -> None:
    """Five visits bring a tin; Ann has made two steps, Ben three, Cleo all five."""
    with sessions.writing() as session:
        tin = make_coupon(session, "tin", title={"en": "A tea tin"}, cost=90, stock=1, per_person=9)
        mission = Mission(
            key="visits", name={"en": "Five visits"}, measure={"of": "visited", "by": "days"}, target=5,
            reward={"coupon": tin.key},
        )  # fmt: skip
        session.add(mission)
        session.flush()
        missions.enable(session, mission, now=NOW - 20 * DAY)
        store = make_store(session)
        for name, steps in (("Ann", 2), ("Ben", 3), ("Cleo", 5), ("Dora", 5)):
            member = make_member(session, name=name)
            for n in range(steps):
                visiting.visit(session, member, store, staff_id=None, now=NOW - (10 - n) * DAY)
        session.commit()


@pytest.fixture
def marketer(desk: Any, add_staff: Any) -> Any:
    add_staff("marketer")
    desk.sign_in("marketer")
    return desk


def test_the_list_says_what_each_counts_and_brings(marketer: Any, stamps: None) -> None:
    page = marketer.get("/console/missions/").text
    assert "Five visits" in page
    assert "5 different days: was in the store" in page
    assert "A tea tin" in page


def test_each_number_opens_into_exactly_its_people(marketer: Any, stamps: None) -> None:
    page = marketer.get("/console/missions/visits").text
    assert "4 people take part now, 2 reached it" in page
    assert "cost at most NT$ 90" in page
    for state, names in (
        ("taking_part", {"Ann", "Ben", "Cleo", "Dora"}), ("reached", {"Cleo", "Dora"}), ("rewarded", {"Cleo"}),
        ("owed", {"Dora"}), ("step-2", {"Ann"}), ("step-3", {"Ben"}), ("step-4", set()),
    ):  # fmt: skip
        found = marketer.get(f"/console/missions/visits/people/{state}").text
        assert {each for each in ("Ann", "Ben", "Cleo", "Dora") if f">{each}<" in found} == names, state
    assert marketer.get("/console/missions/visits/people/step-x").status_code == 404


def test_what_had_run_out_is_given_when_there_is_more(marketer: Any, stamps: None, sessions: Sessions) -> None:
    assert "The coupon had run out" in marketer.get("/console/missions/visits").text
    with sessions.writing() as session:
        session.scalars(select(Coupon)).one().stock = 5
        session.commit()
    assert marketer.post("/console/missions/visits/owed").status_code == 303
    assert "The coupon had run out" not in marketer.get("/console/missions/visits").text


def test_switching_off_and_on_is_audited(marketer: Any, stamps: None, sessions: Sessions) -> None:
    for switch, is_on in (("off", False), ("on", True)):
        assert marketer.post(f"/console/missions/visits/{switch}").status_code == 303
        with sessions.reading() as session:
            assert (session.scalars(select(Mission.enabled_at)).one() is not None) is is_on
            lines = session.scalars(select(AuditLine.action)).all()
            assert f"mission_{switch}" in lines


def test_a_viewer_sees_and_does_not_switch(desk: Any, add_staff: Any, stamps: None, sessions: Sessions) -> None:
    add_staff("viewer")
    desk.sign_in("viewer")
    assert desk.get("/console/missions/visits").status_code == 200
    desk.post("/console/missions/visits/off")
    with sessions.reading() as session:
        assert session.scalars(select(Mission.enabled_at)).one() is not None


def test_a_draw_before_and_after(marketer: Any, sessions: Sessions) -> None:
    with sessions.writing() as session:
        draw = make_draw(session, key="moon", closes_at=NOW + DAY)
        for n, name in enumerate(("Ann", "Ben")):
            member = make_member(session, name=name)
            granting.grant(session, member_id=member.id, benefit={"ticket": "moon"}, cause=f"t{n}", now=NOW)
        session.commit()
    assert "A draw" in marketer.get("/console/draws/").text
    assert "2 tickets take part so far" in marketer.get("/console/draws/moon").text
    with sessions.writing() as session:
        merged = session.merge(draw)
        drawing.draw_now(session, merged, now=NOW + 2 * DAY)
        drawing.give_prizes(session, merged, now=NOW + 2 * DAY)
        session.commit()
    assert "1 person won" in marketer.get("/console/draws/moon").text
    won = marketer.get("/console/draws/moon/people/won").text
    assert (">Ann<" in won) != (">Ben<" in won)


def test_a_friends_success_is_taken_back_by_staff_alone(marketer: Any, sessions: Sessions) -> None:
    with sessions.writing() as session:
        ann, bert = make_member(session, name="Ann"), make_member(session, name="Bert")
        bert.merged_into_id = ann.id
        session.add(Referral(referrer_id=ann.id, person_id=bert.id, clicked_at=NOW, state="succeeded", state_at=NOW))
        session.commit()
        referral_id = session.scalars(select(Referral.id)).one()
    assert "Now one person with who brought them" in marketer.get("/console/draws/friends").text
    assert marketer.post(f"/console/draws/friends/{referral_id}/take-back").status_code == 303
    with sessions.reading() as session:
        assert session.scalars(select(Referral.reason)).one() == "taken_back"
    assert "taken back by staff" in marketer.get("/console/draws/friends?state=refused").text
