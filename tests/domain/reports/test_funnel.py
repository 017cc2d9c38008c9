"""The funnel, pure and on both databases (definitions §10)."""

from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from domain.reports.funnel import STEPS, cart_left, counted, funnel
from models.campaign import Recipient
from models.event import Event
from models.member import Member
from models.purchase import Purchase
from tests.support.factories import make_member, make_purchase
from tests.support.journey import happened, local, make_campaign, send

START = date(2026, 1, 10)
NUMBERS = (1000, 400, 120, 60, 54, 18)


@pytest.fixture
def shop(session: Session) -> Session:
    """A thousand people, of whom so many went each step."""
    at = local(session, START)
    campaign = make_campaign(session, "launch", at=at)
    session.execute(insert(Member), [{"ref": f"F{n}", "created_at": at} for n in range(NUMBERS[0])])
    ids = list(session.scalars(select(Member.id).where(Member.ref.like("F%")).order_by(Member.id)))
    values = {"campaign_id": campaign.id, "due_at": at, "sent_at": at, "state": "sent", "was_reachable": True}
    session.execute(insert(Recipient), [{"member_id": each, **values} for each in ids])
    for place, kind in ((1, "browsed"), (2, "carted"), (4, "picked_up")):
        when = at + timedelta(days=place)
        common = {"kind": kind, "occurred_at": when, "recorded_at": when, "day": when.date(), "source": "shop"}
        session.execute(insert(Event), [{"member_id": each, **common} for each in ids[: NUMBERS[place]]])
    for place, days in ((3, 3), (5, 40)):
        when = at + timedelta(days=days)
        common = {"paid_at": when, "recorded_at": when, "day": when.date(), "net_amount": 100}
        orders = [{"order_ref": f"{place}-{each}", "member_id": each, **common} for each in ids[: NUMBERS[place]]]
        session.execute(insert(Purchase), orders)
    return session


def test_EX_19_from_reach_to_repurchase(shop: Session) -> None:
    at = local(shop, START)
    window = {"since": at - timedelta(days=1), "until": at + timedelta(days=1)}
    found = counted(shop, **window, now=at + timedelta(days=200))
    assert tuple(step.count for step in found.steps) == NUMBERS
    assert [step.from_before and round(step.from_before * 100, 1) for step in found.steps[1:]] == [40, 30, 50, 90, 33.3]
    assert found.steps[-1].from_top == 0.018
    assert found.worst == ("browse", "cart")
    assert cart_left(120, 60) == 0.5
    early = counted(shop, **window, now=at + timedelta(days=60))
    assert [step.name for step in early.steps] == list(STEPS[:-1])


def test_a_later_step_implies_the_earlier_and_order_matters(session: Session) -> None:
    at = local(session, START)
    campaign = make_campaign(session, "launch", at=at)
    straight, backwards, late = (make_member(session) for _ in range(3))
    for member in (straight, backwards, late):
        send(session, campaign, member, at=at)
    make_purchase(session, straight, paid_at=at + timedelta(days=1), amount=10)
    happened(session, backwards, "picked_up", at + timedelta(days=1))
    happened(session, backwards, "browsed", at - timedelta(days=1))
    happened(session, late, "browsed", at + timedelta(days=31))
    found = counted(session, since=at - timedelta(days=1), until=at + timedelta(days=1), now=at + timedelta(days=200))
    assert [step.count for step in found.steps] == [3, 2, 2, 2, 1, 0]


def test_an_empty_funnel_says_nothing() -> None:
    assert funnel([0] * 6).worst is None
    assert {step.from_before for step in funnel([0] * 6).steps} == {None}
