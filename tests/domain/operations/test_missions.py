"""Missions: steps counted exactly, one reward a round, nothing for history, steps that refunds take back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.operations import drawing, merging, missions, purchasing, settling, unmerging, visiting
from domain.operations.purchasing import Line
from domain.operations.recording import record
from domain.scores._mission_steps import measured
from models.benefit import CouponClaim
from models.member import Member
from models.mission import Draw, Mission, MissionRound, Ticket
from models.session import Sessions
from models.store import Store
from tests.support.factories import make_coupon, make_member, make_store
from tests.support.moments import NOW

numbers = count(1)
DAY = timedelta(days=1)


def make_mission(session: Session, **fields: Any) -> Mission:
    """A mission that is on since an hour ago."""
    values = {"key": f"m{next(numbers)}", "name": {"en": "A mission"}, "reward": {"points": 50}, "rounds": None}
    mission = Mission(**{**values, **fields})
    session.add(mission)
    session.flush()
    missions.enable(session, mission, now=NOW - timedelta(hours=1))
    return mission


def make_draw(session: Session, **fields: Any) -> Draw:
    values = {
        "key": f"d{next(numbers)}", "name": {"en": "A draw"}, "closes_at": NOW + 30 * DAY,
        "prizes": [{"benefit": {"points": 1000}, "count": 1}],
    }  # fmt: skip
    draw = Draw(**{**values, **fields})
    drawing.publish(draw, now=NOW)
    session.add(draw)
    session.flush()
    return draw


def buy(session: Session, member: Member, at: Any = NOW, amount: int = 100, **line: Any) -> str:
    ref = f"MO{next(numbers)}"
    purchasing.record_order(
        session, order_ref=ref, paid_at=at, member_id=member.id, source="pos", now=at,
        lines=[Line(1, line.pop("sku", "tea"), amount, **line)],
    )  # fmt: skip
    return ref


def give_back(session: Session, ref: str, at: Any, amount: int = 100) -> None:
    back = purchasing.record_lines(
        session,
        [(purchasing.Order(f"{ref}-R", at), Line(1, "tea", -amount, kind="refund", refund_of=ref))],
        source="pos", now=at,
    )  # fmt: skip
    settling.settle(session, back.member_ids, now=at)


def rewards(session: Session, mission: Mission) -> int:
    won = select(func.count()).where(MissionRound.mission_id == mission.id, MissionRound.rewarded_at.is_not(None))
    return session.scalar(won) or 0


def standing(session: Session, mission: Mission, member: Member) -> tuple[int, int]:
    """The round the person is in and how far: what the card shows."""
    found = [each for each in measured(session, mission, [member.id]).get(member.id, []) if each.reached_at is None]
    return (found[0].number, found[0].progress) if found else (0, 0)


def valid(session: Session, draw: Draw) -> int:
    return session.scalar(select(func.count()).select_from(Ticket).where(drawing.valid_tickets(draw))) or 0


def test_three_purchases_on_different_days_are_one_ticket(session: Session) -> None:
    draw, member = make_draw(session), make_member(session)
    mission = make_mission(session, measure={"by": "days"}, target=3, reward={"ticket": {"draw": draw.key}})
    for at in (NOW, NOW + timedelta(hours=1), NOW + DAY):
        buy(session, member, at)
    assert (valid(session, draw), standing(session, mission, member)) == (0, (1, 2))
    buy(session, member, NOW + 2 * DAY)
    assert (valid(session, draw), rewards(session, mission)) == (1, 1)


def test_a_refund_before_the_draw_takes_the_step_back_and_buying_again_restores_it(session: Session) -> None:
    draw, member = make_draw(session), make_member(session)
    make_mission(session, measure={"by": "days"}, target=3, reward={"ticket": {"draw": draw.key}})
    refs = [buy(session, member, NOW + n * DAY) for n in range(3)]
    give_back(session, refs[1], NOW + 4 * DAY)
    assert valid(session, draw) == 0
    buy(session, member, NOW + 5 * DAY)
    assert valid(session, draw) == 1
    assert session.scalar(select(func.count()).select_from(Ticket)) == 1


def test_a_refund_after_the_draw_takes_nothing_back(session: Session) -> None:
    draw, member = make_draw(session, closes_at=NOW + 3 * DAY), make_member(session)
    make_mission(session, measure={"by": "days"}, target=3, reward={"ticket": {"draw": draw.key}})
    refs = [buy(session, member, NOW + n * DAY) for n in range(3)]
    assert drawing.draw_now(session, draw, now=NOW + 4 * DAY) == 1
    give_back(session, refs[1], NOW + 5 * DAY)
    ticket = session.scalars(select(Ticket)).one()
    assert (ticket.withdrawn_at, ticket.prize) == (None, 0)


def test_a_gift_stays_given_and_the_purchase_brought_back_is_owed(session: Session) -> None:
    member = make_member(session)
    mission = make_mission(session, measure={}, target=2)
    refs = [buy(session, member, NOW + n * DAY) for n in range(2)]
    give_back(session, refs[0], NOW + 3 * DAY)
    buy(session, member, NOW + 4 * DAY)
    assert rewards(session, mission) == 1
    buy(session, member, NOW + 5 * DAY)
    buy(session, member, NOW + 6 * DAY)
    assert rewards(session, mission) == 2


def test_the_fifth_check_in_gives_the_gift_one_a_day_and_the_count_begins_anew(session: Session) -> None:
    gift, member = make_coupon(session, per_person=99), make_member(session)
    store, other = make_store(session), make_store(session)
    measure = {"of": "visited", "by": "days", "data": {"how": ["check_in", "booking"]}}
    mission = make_mission(session, measure=measure, target=5, reward={"coupon": gift.key})
    for n in range(4):
        check_in(session, member, store, n)
        check_in(session, member, other, n)
    assert (rewards(session, mission), standing(session, mission, member)) == (0, (1, 4))
    check_in(session, member, store, 4)
    assert rewards(session, mission) == 1
    assert standing(session, mission, member) == (0, 0)
    check_in(session, member, store, 5)
    assert standing(session, mission, member) == (2, 1)
    assert session.scalar(select(func.count()).where(CouponClaim.member_id == member.id)) == 1


def check_in(session: Session, member: Member, store: Store, n: int) -> None:
    visiting.visit(session, member, store, staff_id=None, now=NOW + n * DAY)


def test_a_check_in_taken_back_is_no_step(session: Session) -> None:
    member, store = make_member(session), make_store(session)
    mission = make_mission(session, measure={"of": "visited", "by": "days"}, target=3)
    check_in(session, member, store, 0)
    visiting.undo(session, member, store, staff_id=None, now=NOW + timedelta(minutes=5))
    assert standing(session, mission, member) == (0, 0)
    row = session.scalars(select(MissionRound)).one()
    assert row.progress == 0


def test_what_a_file_of_the_past_brings_moves_the_count_and_earns_nothing(session: Session) -> None:
    member = make_member(session)
    mission = make_mission(session, measure={}, target=2)
    for n in (1, 2):
        line = Line(1, "tea", 100)
        order = purchasing.Order(f"H{next(numbers)}", NOW - timedelta(minutes=n), member.id)
        told = purchasing.record_lines(session, [(order, line)], source="file", is_history=True, now=NOW)
    settling.settle(session, told.member_ids, is_history=True, now=NOW)
    row = session.scalars(select(MissionRound)).one()
    assert (row.reached_at is not None, row.reason, rewards(session, mission)) == (True, "history", 0)
    buy(session, member, NOW + DAY)
    buy(session, member, NOW + DAY)
    assert rewards(session, mission) == 1  # of the second round alone


def test_a_purchase_told_of_three_days_late_is_no_news(session: Session) -> None:
    member = make_member(session)
    mission = make_mission(session, measure={}, target=1)
    purchasing.record_order(
        session, order_ref="late", paid_at=NOW, member_id=member.id, source="pos", now=NOW + 3 * DAY,
        lines=[Line(1, "tea", 100)],
    )  # fmt: skip
    assert (rewards(session, mission), session.scalars(select(MissionRound.reason)).one()) == (0, "history")


def test_only_what_happens_from_switching_on_counts_unless_the_window_says_from_when(session: Session) -> None:
    member = make_member(session)
    buy(session, member, NOW - 3 * DAY)
    fresh = make_mission(session, measure={}, target=2)
    dated = make_mission(session, measure={}, target=2, window={"from": (NOW - 5 * DAY).date().isoformat()})
    assert (standing(session, fresh, member), standing(session, dated, member)) == ((0, 0), (1, 1))
    stored = session.scalars(select(MissionRound).where(MissionRound.mission_id == dated.id)).one()
    assert stored.progress == 1


def test_each_month_begins_anew_and_a_month_has_so_many_rewards(session: Session) -> None:
    member = make_member(session)
    monthly = make_mission(session, measure={}, target=2, window={"per": "month"}, rounds=1)
    capped = make_mission(session, measure={}, target=1, rewards_per_month=2)
    for at in (NOW, NOW + DAY, NOW + 2 * DAY, NOW + 30 * DAY, NOW + 31 * DAY):
        buy(session, member, at)
    assert rewards(session, monthly) == 2
    assert rewards(session, capped) == 4
    reasons = session.scalars(select(MissionRound.reason).where(MissionRound.mission_id == capped.id))
    assert list(reasons).count("capped") == 1


def test_a_newcomer_has_so_many_days_from_joining(session: Session) -> None:
    new = make_member(session, registered_at=NOW, created_at=NOW)
    mission = make_mission(session, measure={}, target=2, window={"days": 30, "since": "registered"})
    buy(session, new, NOW + DAY)
    buy(session, new, NOW + 31 * DAY)
    assert (rewards(session, mission), standing(session, mission, new)) == (0, (1, 1))


def test_days_from_the_first_step_begin_anew_with_the_next(session: Session) -> None:
    member = make_member(session)
    mission = make_mission(session, measure={}, target=2, window={"days": 10})
    for days in (0, 11, 12):
        buy(session, member, NOW + days * DAY)
    assert rewards(session, mission) == 1
    assert session.scalars(select(MissionRound.period).order_by(MissionRound.period)).all() == ["1", "2"]


def test_an_amount_is_in_whole_currency_units_and_what_is_over_counts_on(session: Session) -> None:
    member = make_member(session)
    mission = make_mission(session, measure={"by": "amount"}, target=1000)
    ref = buy(session, member, NOW, 2300)
    assert (rewards(session, mission), standing(session, mission, member)) == (2, (3, 300))
    give_back(session, ref, NOW + DAY, 1500)
    assert (rewards(session, mission), standing(session, mission, member)) == (2, (1, 800))


def test_distinct_goods_and_stores(session: Session) -> None:
    member, here, there = make_member(session), make_store(session), make_store(session)
    teas = make_mission(session, measure={"by": "products", "categories": ["tea"]}, target=2)
    stores = make_mission(session, measure={"by": "stores"}, target=2)
    for sku, category, store in (("a", "tea", here), ("a", "tea", here), ("cup", "ware", there)):
        purchasing.record_order(
            session, order_ref=f"G{next(numbers)}", paid_at=NOW, member_id=member.id, source="pos", now=NOW,
            store_id=store.id, lines=[Line(1, sku, 100, category=category)],
        )  # fmt: skip
    assert (standing(session, teas, member), rewards(session, stores)) == ((1, 1), 1)
    buy(session, member, sku="b", category="tea")
    assert rewards(session, teas) == 1


def test_for_whom_is_a_rule(session: Session) -> None:
    mission = make_mission(
        session, measure={}, target=1, rule={"condition": "gender_is", "genders": ["female"]}, reward={"points": 5}
    )
    she, he = make_member(session, gender="female"), make_member(session, gender="male")
    for each in (she, he):
        buy(session, each)
    rows = dict(session.execute(select(MissionRound.member_id, MissionRound.reason)).all())
    assert rows == {she.id: None, he.id: "not_for_them"}
    assert rewards(session, mission) == 1


def test_what_had_run_out_can_be_given_later(session: Session) -> None:
    gift, member = make_coupon(session, stock=0), make_member(session)
    mission = make_mission(session, measure={}, target=1, reward={"coupon": gift.key})
    buy(session, member)
    assert session.scalars(select(MissionRound.reason)).one() == "sold_out"
    gift.stock = 1
    session.flush()
    assert missions.give_owed(session, mission, now=NOW + DAY) == 1
    assert session.scalars(select(CouponClaim.member_id)).one() == member.id


def test_switched_off_it_rewards_nobody(session: Session) -> None:
    member = make_member(session)
    mission = make_mission(session, measure={}, target=1)
    missions.disable(session, mission)
    buy(session, member)
    assert rewards(session, mission) == 0


def test_two_records_joined_are_rewarded_for_what_they_did_together_and_no_round_twice(session: Session) -> None:
    kept, gone = make_member(session), make_member(session)
    mission = make_mission(session, measure={}, target=2)
    for member in (kept, kept, gone, gone, gone):
        buy(session, member)
    assert rewards(session, mission) == 2
    made = merging.merge(session, kept, gone, staff_id=None, now=NOW + timedelta(hours=1))
    assert (rewards(session, mission), standing(session, mission, kept)) == (2, (3, 1))
    buy(session, kept, NOW + DAY)
    assert rewards(session, mission) == 3
    unmerging.unmerge(session, made, staff_id=None, reason="two people", now=NOW + 2 * DAY)
    buy(session, gone, NOW + 3 * DAY)
    assert (standing(session, mission, kept), standing(session, mission, gone)) == ((2, 1), (0, 0))
    assert rewards(session, mission) == 3  # of seven purchases three pairs, and no pair twice


@pytest.mark.parametrize("at_once", [2, 4])
def test_a_round_is_rewarded_once_whoever_settles_at_the_same_moment(sessions: Sessions, at_once: int) -> None:
    with sessions.writing() as session:
        gift, member, store = make_coupon(session, per_person=99), make_member(session), make_store(session)
        mission = make_mission(session, measure={"of": "visited", "by": "days"}, target=1, reward={"coupon": gift.key})
        for n in range(3):
            record(
                session, "visited", member_id=member.id, source="staff", object=store.key,
                occurred_at=NOW + n * DAY, now=NOW + n * DAY,
            )  # fmt: skip
        session.commit()
        member_id, mission_id = member.id, mission.id
    barrier = Barrier(at_once)

    def run(_n: int) -> None:
        barrier.wait()
        with sessions.writing() as own:
            missions.settle(own, [member_id], now=NOW + 3 * DAY)
            own.commit()

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(run, range(at_once)))
    with sessions.reading() as session:
        assert session.scalar(select(func.count()).where(CouponClaim.member_id == member_id)) == 3
        assert rewards(session, session.get_one(Mission, mission_id)) == 3
