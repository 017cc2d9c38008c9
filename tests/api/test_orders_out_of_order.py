"""Orders as they really come: late, twice, the refund first, the buyer unknown, the time corrected. One outcome."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import func, select

from models.event import Event
from models.member import Member
from models.programme import Tier, TierLine
from models.purchase import Purchase, PurchaseLine
from models.session import Sessions
from tests.api.conftest import Desk, Till
from tests.support.moments import NOW

PURCHASES = "order_id,line_no,member_ref,paid_at,channel,store,sku,product,category,quantity,amount,kind,refund_of"
SALE = {
    "order_id": "A1",
    "line_no": 1,
    "member_ref": "0912345678",
    "paid_at": "2026-02-01T12:00",
    "sku": "tea",
    "amount": 6000,
}
PART = {**SALE, "order_id": "R1", "paid_at": "2026-02-05T12:00", "amount": 2000, "kind": "refund", "refund_of": "A1"}
REST = {**PART, "order_id": "R2", "paid_at": "2026-02-07T12:00", "amount": 4000}
WHO = {"member_ref": "S1", "phone": "0912345678", "joined_at": "2026-01-01"}


def tiers(sessions: Sessions) -> None:
    with sessions.writing() as session:
        session.add_all([Tier(key="general", rank=0), Tier(key="silver", rank=1, threshold=5_000)])
        session.commit()


def state(sessions: Sessions) -> dict[str, Any]:
    with sessions.reading() as session:
        orders = session.execute(select(Purchase.order_ref, Purchase.net_amount, Purchase.member_id)).all()
        tier = session.scalar(select(Tier.key).join(Member, Member.tier_id == Tier.id))
        done = session.scalars(select(Event.object).where(Event.kind == "conversion_completed")).all()
        return {
            "nets": {ref: net for ref, net, _ in orders},
            "owned": all(owner is not None for *_, owner in orders),
            "tier": tier,
            "done": sorted(str(each) for each in done if str(each).startswith("order:")),
        }


def tell(till: Till, *steps: Any) -> None:
    for what, item in steps:
        answer = till.post(what, item)
        assert answer.json["rejected"] == [], answer.text


STEPS = (("members", WHO), ("purchases", SALE), ("purchases", PART))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_part_refund_whatever_came_first(till: Till, sessions: Sessions, order: tuple[int, ...]) -> None:
    tiers(sessions)
    steps = [STEPS[n] for n in order]
    tell(till, *steps, *steps)  # and everything once more
    assert state(sessions) == {
        "nets": {"A1": 4000, "R1": 0}, "owned": True, "tier": "general", "done": ["order:A1"],
    }  # fmt: skip


def test_a_tier_bought_and_given_back_in_parts(till: Till, sessions: Sessions) -> None:
    tiers(sessions)
    tell(till, ("members", WHO), ("purchases", SALE))
    assert state(sessions)["tier"] == "silver"
    tell(till, ("purchases", PART))
    assert state(sessions)["tier"] == "general"
    tell(till, ("purchases", REST), ("purchases", PART))
    after = state(sessions)
    assert (after["nets"], after["tier"]) == ({"A1": 0, "R1": 0, "R2": 0}, "general")


def test_more_taken_back_than_was_sold_is_listed_and_mended_by_a_late_line(till: Till, sessions: Sessions) -> None:
    tell(till, ("members", WHO), ("purchases", SALE), ("purchases", PART), ("purchases", {**REST, "amount": 5000}))
    assert state(sessions)["nets"] == {"A1": 0, "R1": 0, "R2": -1000}
    # The order had a second line, which comes late.
    tell(till, ("purchases", {**SALE, "line_no": 2, "sku": "cup", "amount": 1500}))
    nets = state(sessions)["nets"]
    assert (nets["A1"] + nets["R2"], nets["R1"]) == (500, 0)
    with sessions.reading() as session:
        assert session.scalar(select(func.sum(PurchaseLine.amount))) == 500


def test_a_late_line_with_an_earlier_time_moves_the_order(till: Till, sessions: Sessions) -> None:
    tell(till, ("members", WHO), ("purchases", SALE))
    tell(till, ("purchases", {**SALE, "line_no": 2, "paid_at": "2025-01-31T12:00", "amount": 1}))
    with sessions.reading() as session:
        order = session.scalars(select(Purchase)).one()
        assert (order.day.isoformat(), order.net_amount) == ("2025-01-31", 6001)


def test_a_buyer_known_later_moves_their_figures_and_nobody_elses(till: Till, sessions: Sessions) -> None:
    tiers(sessions)
    tell(till, ("members", {"member_ref": "S2", "phone": "0987654321", "joined_at": "2026-01-01"}))
    tell(till, ("purchases", {**SALE, "order_id": "B1", "member_ref": "S2"}), ("purchases", SALE))
    with sessions.reading() as session:
        before = session.scalars(select(TierLine.id).order_by(TierLine.id)).all()
        assert session.scalar(select(Purchase.member_id).where(Purchase.order_ref == "A1")) is None
    tell(till, ("members", WHO))
    with sessions.reading() as session:
        mei = session.scalars(select(Member).where(Member.ref == "S1")).one()
        assert session.scalar(select(Tier.key).where(Tier.id == mei.tier_id)) == "silver"
        later = select(TierLine.member_id).where(TierLine.id.not_in(before))
        assert set(session.scalars(later)) == {mei.id}
        # That it is hers is learned now; the order itself is no news.
        done = session.scalars(
            select(Event).where(Event.object == "order:A1", Event.kind == "conversion_completed")
        ).one()
        assert (done.member_id, done.is_history) == (mei.id, True)


def test_an_order_picked_up_in_the_store_closes_its_step(till: Till, sessions: Sessions) -> None:
    at = (NOW - timedelta(hours=1)).isoformat()
    tell(
        till, ("members", WHO), ("events", {"kind": "checkout_started", "member_ref": "S1", "at": at, "object": "A1"}),
        ("purchases", {**SALE, "paid_at": at}),
        ("events", {"kind": "picked_up", "member_ref": "S1", "at": at, "object": "A1"}),
    )  # fmt: skip
    again = till.post("events", {"kind": "picked_up", "member_ref": "S1", "at": at, "object": "A1"})
    assert again.json["repeated"] == 1
    with sessions.reading() as session:
        kinds = session.scalars(select(Event.kind).where(Event.object == "A1").order_by(Event.id)).all()
        assert kinds == ["checkout_started", "picked_up"]


def test_the_same_file_in_pieces_backwards_and_whole_ends_the_same(desk: Desk, sessions: Sessions) -> None:
    lines = [
        f"A{n},{line},S{n % 3},2026-01-{1 + n:02d},pos,,s{line},,,1,{100 * line},sale,"
        for n in range(6)
        for line in (1, 2)
    ]
    lines += [f"R{n},1,S{n % 3},2026-02-0{1 + n},pos,,s2,,,1,50,refund,A{n}" for n in range(3)]
    lines += ["R9,1,S0,2026-02-09,pos,,s1,,,1,30,refund,"]
    desk.load("members", desk.write("m.csv", "member_ref", "S0", "S1", "S2"))
    for line in reversed(lines):
        desk.load("purchases", desk.write("one.csv", PURCHASES, line))
    backwards = state(sessions)["nets"]
    out = desk.load("purchases", desk.write("all.csv", PURCHASES, *lines))
    assert f"0 loaded, {len(lines)} known already" in out
    assert state(sessions)["nets"] == backwards
    assert {ref: net for ref, net in backwards.items() if ref.startswith("R")} == dict.fromkeys(
        ("R0", "R1", "R2", "R9"), 0
    )
    assert sum(backwards.values()) == 6 * 300 - 3 * 50 - 30
