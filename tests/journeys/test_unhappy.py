"""Somebody joins, uses her gift, is unhappy, is looked after, and only then hears from us again: M78, E36, L23, M91."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from domain.operations import programme
from models.benefit import Coupon, CouponClaim
from models.campaign import Campaign, Recipient
from models.member import Member
from models.programme import Tier
from models.staff import StaffNote
from models.store import Store
from tests.support.staff import StaffBrowser, add_staff
from tests.support.world import World

PRESET = Path(programme.__file__).parents[2] / "presets" / "taiwan.yaml"


def open_shop(world: World) -> Store:
    data = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    data["brand"]["default_language"] = "en"
    for automation in data["automations"]:
        automation["holdout_percent"] = 0
    with world.session() as session:
        programme.apply(session, programme.read(data), by="test", now=world.now)
        session.commit()
        return session.scalars(select(Store).where(Store.key == "daan")).one()


def run(world: World) -> None:
    world.clock.run_due(threading.Event())
    world.settle()


def gifts(world: World) -> list[CouponClaim]:
    with world.session() as session:
        mine = select(CouponClaim).join(Coupon).where(Coupon.key == "first_order")
        return list(session.scalars(mine))


def test_from_a_gift_to_a_case_of_care_and_back(world: World) -> None:
    store = open_shop(world)
    add_staff(world.sessions, "store", store_id=store.id)
    add_staff(world.sessions, "marketer")
    mei = world.line.add_user(name="Mei", language="en")
    world.line.follow(mei)
    world.settle()
    phone = world.member(mei)
    joined = {"name": "Mei", "phone": "0912345678", "birth_date": "1990-07-01", "consent": True}
    assert phone.post(f"{world.url}/liff/api/registration", json=joined).status_code == 204

    # She is given the gift for joining once, also when she leaves the chat and comes back.
    world.advance(minutes=20)
    assert len(gifts(world)) == 1
    world.line.unfollow(mei)
    world.line.follow(mei)
    world.advance(minutes=20)
    (gift,) = gifts(world)
    ready = phone.get(f"{world.url}/liff/api/coupons").json()["ready"]
    assert [ticket["coupon"]["title"] for ticket in ready] == ["First order, NT$ 150 off"]

    # At the counter the bill is too small at first, in words; then it is large enough.
    counter = StaffBrowser(world.url, "store")
    person = counter.post("/console/scan/", {"code": "0912345678"}, page="/console/scan/")
    path = person.url.removeprefix(world.url)
    with pytest.raises(AssertionError, match=r"NT\$ 300 are missing to NT\$ 800"):
        counter.post(f"{path}/coupons/{gift.ref}/redeem", {"amount": "500"}, page=path)
    counter.post(f"{path}/coupons/{gift.ref}/redeem", {"amount": "900"}, page=path)
    counter.post(f"{path}/purchases", {"amount": "900", "order_ref": "T-1"}, page=path)
    assert gifts(world)[0].redeemed_at is not None

    # She was not pleased. Within the minute staff see it, with her words and what she bought.
    answers = {"answers": {"score": 3, "why": "The tea was stale"}}
    assert phone.post(f"{world.url}/liff/api/forms/recommend/answers", json=answers).status_code == 204
    desk = StaffBrowser(world.url, "marketer")
    today = desk.get("/console/today/").text
    assert "The tea was stale" in today
    assert "NT$ 900" in today
    assert "They were unhappy with us" in counter.get(path).text

    # The win-back of a month later is withheld for that reason, and she is not written to.
    sent_before = len(world.line.received(mei))
    world.go_to(world.now + timedelta(days=30, hours=3))
    run(world)
    assert withheld(world) == [("automation:win_back_30", "care_open")]
    assert len(world.line.received(mei)) == sent_before

    # Once somebody has closed the case with words, she hears from us again.
    with world.session() as session:
        case = session.scalars(select(StaffNote).where(StaffNote.kind == "care")).one()
    desk = StaffBrowser(world.url, "marketer")
    desk.post(f"/console/care/{case.id}/close", {"words": "Sent fresh tea"}, page="/console/care/")
    world.go_to(world.now + timedelta(days=62))
    run(world)
    assert len(world.line.received(mei)) == sent_before + 1

    # As a gold member she writes: her message is first in line, and a task asks for a personal answer.
    with world.session() as session:
        gold = session.scalars(select(Tier).where(Tier.key == "gold")).one()
        session.scalars(select(Member).where(Member.name == "Mei")).one().tier_id = gold.id
        session.commit()
    world.line.say(mei, "Is the winter tea there?")
    world.settle()
    world.advance(minutes=20)
    page = StaffBrowser(world.url, "marketer").get("/console/today/").text
    assert "First in line" in page
    assert "Mei wrote: please answer them first" in page
    assert world.line.violations() == []


def withheld(world: World) -> list[tuple[str, str | None]]:
    with world.session() as session:
        rows = select(Campaign.ref, Recipient.reason).join(Recipient, Recipient.campaign_id == Campaign.id)
        return [(ref, reason) for ref, reason in session.execute(rows.where(Recipient.state == "withheld"))]
