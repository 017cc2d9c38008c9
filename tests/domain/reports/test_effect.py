"""Effect against the hold-out, and what it earned, on both databases (definitions §8, EX-14, EX-15)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from domain.reports.effect import Arm, Effect, effect_of
from domain.reports.roi import returns
from models.automation import Automation, Enrolment
from models.benefit import CouponClaim
from models.member import Member
from models.packing import pack
from models.programme import the_brand
from models.purchase import Purchase
from models.score import Snapshot
from tests.support.factories import make_coupon, make_member
from tests.support.journey import local, make_campaign, send
from tests.support.reporting import disagreeing, listed, rows, told

DUE = date(2026, 2, 10)
SUBJECT = "automation:win_back"


@pytest.fixture
def now(session: Session) -> datetime:
    return local(session, DUE) + timedelta(days=30)


@pytest.fixture
def automation(session: Session) -> Automation:
    at = local(session, DUE - timedelta(days=60))
    row = Automation(
        key="win_back", name={"en": "Win back"}, trigger={"on": "days_since"}, actions=[], enabled_at=at,
        campaign_id=make_campaign(session, SUBJECT, at=at, kind="automation").id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def arm(
    session: Session, automation: Automation, name: str, n: int, bought: int, amount: int = 100, **more: Any
) -> list[int]:
    """So many due people of an arm, of whom so many bought on the fourteenth day."""
    at = local(session, DUE)
    session.execute(insert(Member), [{"ref": f"{name}{each}", "created_at": at} for each in range(n)])
    ids = list(session.scalars(select(Member.id).where(Member.ref.startswith(name)).order_by(Member.id)))
    case = {"automation_id": automation.id, "cause": "1", "entered_at": at, "due_at": at, "state": "done", "arm": name}
    session.execute(insert(Enrolment), [{**case, "member_id": each, **more} for each in ids])
    paid = at + timedelta(days=14)
    order = {"paid_at": paid, "recorded_at": paid, "day": paid.date(), "net_amount": amount}
    orders = [{"order_ref": f"{name}-{each}", "member_id": each, **order} for each in ids[:bought]]
    if orders:
        session.execute(insert(Purchase), orders)
    return ids


def test_EX_14_a_proven_win_back(session: Session, automation: Automation, now: datetime) -> None:
    arm(session, automation, "sent", 900, 180)
    arm(session, automation, "held_out", 100, 10)
    found = effect_of(session, SUBJECT, now=now)
    assert found.is_proven
    assert found.extra_buyers == (90, 19, 137)
    said = told(session, "effect", now, of=SUBJECT)
    assert said.answer == (
        "Proven: 20.0% of those it was meant for bought within 14 days, 10.0% of those held out. "
        "That is about 90 buyers who would not have come, between 19 and 137."
    )
    assert "2.0 times as many buyers as without it (between 1.2 and 2.5 times)." in said.more
    assert disagreeing(session, "effect", now, of=SUBJECT) == []


def test_EX_15_not_shown_yet_and_how_many_it_takes(session: Session, automation: Automation, now: datetime) -> None:
    arm(session, automation, "sent", 1000, 120)
    arm(session, automation, "held_out", 100, 8)
    said = told(session, "effect", now, of=SUBJECT)
    assert said.answer.startswith("Not shown yet: 12.0% of those it was meant for bought within 14 days, 8.0% of")
    assert "between −3.2 and +8.5 points" in said.answer
    assert said.answer.endswith("about 736 people on each side are needed.")
    roi = told(session, "roi", now, of=SUBJECT)
    assert roi.answer.startswith("What it earned is not said, because its effect is not proven.")
    assert rows(roi)["Everyone"][2] == "not proven"


def test_by_intention_the_suppressed_count_and_the_rest_does_not(
    session: Session, automation: Automation, now: datetime
) -> None:
    arm(session, automation, "sent", 20, 4, state="withheld", reason="blocked")
    arm(session, automation, "held_out", 10, 1, state="held_out")
    at = local(session, DUE)
    for state, cause in (("outside", "o"), ("left", "l")):
        row = Enrolment(automation_id=automation.id, member_id=make_member(session).id, cause=cause, entered_at=at,
                        due_at=at, state=state, arm="sent")  # fmt: skip
        session.add(row)
    session.flush()
    found = effect_of(session, SUBJECT, now=now)
    assert (found.sent.n, found.sent.bought, found.held.n, found.held.bought) == (20, 4, 10, 1)


def test_a_person_counts_once_from_the_first_time(session: Session, automation: Automation, now: datetime) -> None:
    ids = arm(session, automation, "sent", 12, 0)
    again = local(session, DUE) + timedelta(days=10)
    session.add(Enrolment(automation_id=automation.id, member_id=ids[0], cause="2", entered_at=again, due_at=again,
                          state="done", arm="sent"))  # fmt: skip
    paid = again + timedelta(days=10)  # 20 days after the first time
    session.add(Purchase(order_ref="late", member_id=ids[0], paid_at=paid, recorded_at=paid, day=paid.date(),
                         net_amount=5))  # fmt: skip
    session.flush()
    found = effect_of(session, SUBJECT, now=now)
    assert (found.sent.n, found.sent.bought) == (12, 0)


def test_who_has_days_left_is_on_neither_side(session: Session, automation: Automation) -> None:
    arm(session, automation, "sent", 12, 5)
    early = local(session, DUE) + timedelta(days=13)
    found = effect_of(session, SUBJECT, now=early)
    assert (found.sent.n, found.sent.pending) == (0, 12)
    assert told(session, "effect", early, of=SUBJECT).answer.startswith("Too early to tell")
    assert len(listed(session, "effect", "sent:pending", early, of=SUBJECT).people) == 12


def test_without_a_hold_out_nothing_is_claimed(session: Session, now: datetime) -> None:
    campaign = make_campaign(session, "spring", at=local(session, DUE))
    for _ in range(12):
        send(session, campaign, make_member(session), at=local(session, DUE))
    said = told(session, "effect", now, of="campaign:spring")
    assert said.answer.startswith("Nobody was held out, so what it did cannot be told")


def test_harm_is_said() -> None:
    found = Effect(Arm(1000, 50, 0, 0), Arm(1000, 150, 0, 0))
    assert found.harms
    assert not found.is_proven


def test_what_it_earned_by_the_group_before(session: Session, automation: Automation, now: datetime) -> None:
    brand = the_brand(session)
    brand.margin_percent, brand.message_price = 50, 1.0
    sent, held = arm(session, automation, "sent", 400, 200, 1000), arm(session, automation, "held_out", 100, 10, 1000)
    for value, ids in (("vip", [*sent[:150], *held[:50]]), ("asleep", [*sent[150:], *held[50:]])):
        session.add(Snapshot(month="2026-01", dimension="rfm", value=value, count=len(ids), ids=pack(ids),
                             taken_at=now))  # fmt: skip
    coupon = make_coupon(session, "back", cost=60)
    at = local(session, DUE)
    for each in sent[:20]:
        session.add(CouponClaim(ref=f"c{each}", coupon_id=coupon.id, member_id=each, cause=f"{SUBJECT}:{each}:1:0",
                                issued_at=at, redeemed_at=at))  # fmt: skip
    campaign = make_campaign(session, "other", at=at)
    automation.campaign_id = campaign.id
    for each in sent:
        send(session, campaign, session.get_one(Member, each), at=at)
    found = returns(session, SUBJECT, now=now)
    assert {name: (group.sent.n, group.held.n) for name, group in found.items()} == {
        "": (400, 100), "vip": (150, 50), "asleep": (250, 50),
    }  # fmt: skip
    assert found[""].cost == 400 * 1 + 20 * 60
    said = told(session, "roi", now, of=SUBJECT)
    # 500 each against 100 each: 400 more of 400 people, half of it margin.
    assert said.answer.startswith("It brought about NT$ 80,000 of extra margin (between NT$ ")
    assert said.answer.endswith(f"cost NT$ 1,600: {(80_000 - 1_600) / 1_600:+.1f} for each 1 spent.")
    assert disagreeing(session, "roi", now, of=SUBJECT) == []
