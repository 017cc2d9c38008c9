"""Missions, friends and draws on a phone: what is shown is what is rewarded, and anyone can check a draw."""

import contextlib
import hashlib
import io
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.operations import drawing, granting, missions, visiting
from models.member import Friend, Member
from models.mission import Mission, Referral
from models.session import Sessions
from tests.domain.operations.test_missions import make_draw
from tests.support.factories import make_coupon, make_member, make_store

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def join(sessions: Sessions) -> Callable[[Any, str], int]:
    def joined(phone: Any, user_id: str) -> int:
        phone.open_as(user_id)
        with sessions.writing() as session:
            friend = session.scalars(select(Friend).where(Friend.user_id == user_id)).one()
            session.get_one(Member, friend.member_id).registered_at = NOW - 90 * DAY
            session.commit()
            return friend.member_id

    return joined


def on_since(sessions: Sessions, days: int, **fields: Any) -> None:
    with sessions.writing() as session:
        gift = make_coupon(session, title={"en": "A pot of tea"}, per_person=99)
        mission = Mission(
            **{"key": "visits", "name": {"en": "Five visits"}, "reward": {"coupon": gift.key}, "rounds": None, **fields}
        )
        session.add(mission)
        session.flush()
        missions.enable(session, mission, now=NOW - days * DAY)
        session.commit()


def visit(sessions: Sessions, member_id: int, *days_ago: int) -> None:
    with sessions.writing() as session:
        store = make_store(session)
        for n in days_ago:
            member = session.get_one(Member, member_id)
            visiting.visit(session, member, store, staff_id=None, now=NOW - n * DAY)
        session.commit()


def test_stamps_move_with_each_visit_and_the_card_begins_anew(sessions: Sessions, phone: Any, join: Any) -> None:
    on_since(sessions, 10, measure={"of": "visited", "by": "days"}, target=5)
    me = join(phone, "Uanna")
    visit(sessions, me, 6, 5, 4)
    (shown,) = phone.get("/missions").json["missions"]
    assert (shown["look"], shown["progress"], shown["target"], shown["reward"]) == ("stamps", 3, 5, "A pot of tea")
    assert (shown["missing_words"], shown["rewarded"]) == ("2", 0)
    visit(sessions, me, 3, 2)
    (shown,) = phone.get("/missions").json["missions"]
    assert (shown["progress"], shown["rewarded"], shown["is_over"]) == (0, 1, False)
    assert len(phone.get("/coupons").json["ready"]) == 1


def test_one_round_a_month_is_done_until_the_next(sessions: Sessions, phone: Any, join: Any) -> None:
    on_since(sessions, 0, measure={"of": "visited", "by": "days"}, target=1, rounds=1, window={"per": "month"})
    visit(sessions, join(phone, "Uanna"), 0)
    (shown,) = phone.get("/missions").json["missions"]
    assert (shown["is_over"], shown["progress"], shown["rewarded"]) == (True, 1, 1)
    assert shown["until"]


def test_a_mission_for_others_is_not_shown(sessions: Sessions, phone: Any, join: Any) -> None:
    rule = {"condition": "gender_is", "genders": ["female"]}
    on_since(sessions, 1, measure={}, target=2, rule=rule)
    join(phone, "Uanna")
    assert phone.get("/missions").json["missions"] == []


def test_my_link_opens_the_joining_page_and_who_came_stays_nameless(
    sessions: Sessions, phone: Any, another_phone: Any, join: Any
) -> None:
    on_since(sessions, 1, measure={"of": "referred"}, target=3)
    join(phone, "Uanna")
    mine = phone.get("/referral").json
    ref = mine["link"].rpartition("by=")[2]
    assert mine["link"] in mine["text"]
    assert "/join?by=" in mine["link"]
    another_phone.open_as("Ubert", "Bert")
    assert another_phone.post("/referral/clicks", {"by": ref}).status_code == 204
    assert another_phone.post("/referral/clicks", {"by": ref}).status_code == 204
    assert another_phone.post("/referral/clicks", {"by": "M-nobody"}).status_code == 204
    mine = phone.get("/referral")
    assert (mine.json["invited"], mine.json["succeeded"]) == (1, 0)
    assert mine.json["friends"][0]["words"] == "opened your link"
    assert "Bert" not in mine.text
    assert mine.json["goals"][0]["target"] == 3
    with sessions.reading() as session:
        assert session.scalars(select(Referral.state)).all() == ["clicked"]


def test_who_opens_their_own_link_is_not_counted(sessions: Sessions, phone: Any, join: Any) -> None:
    join(phone, "Uanna")
    ref = phone.get("/referral").json["link"].rpartition("by=")[2]
    phone.post("/referral/clicks", {"by": ref})
    assert phone.get("/referral").json["invited"] == 0


def test_a_draws_page_shows_the_promise_before_and_the_proof_after(
    sessions: Sessions, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = app.test_client()
    with sessions.writing() as session:
        draw = make_draw(session, key="moon", closes_at=NOW + DAY, prizes=[{"benefit": {"points": 500}, "count": 2}])
        for n in range(7):
            member = make_member(session)
            granting.grant(session, member_id=member.id, benefit={"ticket": "moon"}, cause=f"t{n}", now=NOW)
        session.commit()
        seed, seed_hash = draw.seed.hex(), draw.seed_hash
    before = stranger.get("/draws/moon")
    assert before.status_code == 200
    assert seed_hash in before.text
    assert seed not in before.text
    assert hashlib.sha256(bytes.fromhex(seed)).hexdigest() == seed_hash
    with sessions.writing() as session:
        drawing.draw_now(session, session.merge(draw), now=NOW + 2 * DAY)
        session.commit()
    after = stranger.get("/draws/moon", headers={"Accept-Language": "en"}).text
    assert seed in after
    program = after.partition("<pre")[2].partition(">")[2].partition("</pre>")[0]
    for sign, mark in (("&#34;", '"'), ("&gt;", ">"), ("&lt;", "<"), ("&#39;", "'"), ("&amp;", "&")):
        program = program.replace(sign, mark)
    assert len(program.splitlines()) <= 10
    listed = stranger.get("/draws/moon/tickets.txt").data
    monkeypatch.setattr(urllib.request, "urlopen", lambda _address: io.BytesIO(listed))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(program, {})
    first, second = [line.split()[1] for line in said.getvalue().splitlines()[:2]]
    winning = after.partition("Winning tickets")[2].partition("</ol>")[0]
    assert winning.index(first) < winning.index(second)
    assert winning.count("<li>") == 2


def test_there_is_no_draw_of_that_name(app: Any) -> None:
    assert app.test_client().get("/draws/none").status_code == 404


def test_pages_open_for_anyone_as_shells(phone: Any) -> None:
    for path in ("/missions", "/friends"):
        assert phone.page(path).status_code == 200
