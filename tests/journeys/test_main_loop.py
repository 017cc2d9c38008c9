"""The main loop, from a new friend to the number that moved: one person's five months, told in one test."""

import json
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from domain.calendar import calendar_of
from domain.operations import programme
from models.member import Member
from models.score import MonthClose
from models.store import Slot, Store
from tests.support.staff import StaffBrowser, add_staff
from tests.support.world import START, World

PRESET = Path(programme.__file__).parents[2] / "presets" / "taiwan.yaml"


def open_shop(world: World) -> tuple[Store, Slot]:
    """The programme, and one slot with two seats in two days at three in the afternoon."""
    data = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    data["brand"]["default_language"] = "en"
    for automation in data["automations"]:
        automation["holdout_percent"] = 0
    with world.session() as session:
        programme.apply(session, programme.read(data), by="test", now=world.now)
        store = session.scalars(select(Store).where(Store.key == "daan")).one()
        day = calendar_of(session).day_of(START) + timedelta(days=2)
        starts_at = calendar_of(session).start(day) + timedelta(hours=15)
        slot = Slot(store_id=store.id, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), capacity=2)
        session.add(slot)
        session.commit()
        return store, slot


def titles(world: World, user: str) -> list[str]:
    """What the chat shows, message by message, by its alternative text."""
    return [message.get("altText") or message.get("text") for message in world.line.received(user)]


def metrics(world: World, month: str) -> dict[str, Any]:
    result = world.app.test_cli_runner().invoke(args=["metrics", month, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def k_of_n(figure: dict[str, Any]) -> tuple[int, int]:
    return figure["numerator"], figure["denominator"]


def test_from_a_new_friend_to_the_number_that_moved(world: World) -> None:
    store, slot = open_shop(world)
    add_staff(world.sessions, "store", store_id=store.id)
    desk = StaffBrowser(world.url, "store")
    mei, ken = (world.line.add_user(name=name, language="en") for name in ("Mei", "Ken"))

    # Two people add the account, are welcomed and join; only Mei does anything more.
    for user in (mei, ken):
        world.line.follow(user)
    world.settle()
    assert [len(titles(world, user)) for user in (mei, ken)] == [1, 1]
    phone, other_phone = world.member(mei), world.member(ken)
    refused = phone.get(f"{world.url}/liff/api/card")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_registered")
    joined = phone.post(
        f"{world.url}/liff/api/registration",
        json={"name": "Mei", "phone": "0912345678", "birth_date": "1990-07-01", "consent": True},
    )
    assert joined.status_code == 204, joined.text
    also = other_phone.post(
        f"{world.url}/liff/api/registration", json={"name": "Ken", "email": "ken@example.com", "consent": False}
    )
    assert also.status_code == 204, also.text
    assert phone.get(f"{world.url}/liff/api/card").json()["name"] == "Mei"

    # She answers three questions, which gives her a tag that says something about her.
    opened = phone.get(f"{world.url}/liff/api/forms/taste")
    assert opened.ok, opened.text
    answered = phone.post(f"{world.url}/liff/api/forms/taste/answers", json={"answers": {"aroma": "light"}})
    assert answered.ok, answered.text

    # She books, and is told so; the day before, and on the day, she is reminded.
    booked = phone.post(f"{world.url}/liff/api/bookings", json={"slot_id": slot.id})
    assert booked.status_code in (200, 201), booked.text
    world.settle()
    assert len(titles(world, mei)) == 2
    world.advance(days=1, hours=7)
    world.advance(hours=18)
    assert len(titles(world, mei)) == 4, titles(world, mei)

    # At the counter she shows her code; staff check her in and record what she buys. She rises a tier.
    world.go_to(slot.starts_at)
    code = phone.get(f"{world.url}/liff/api/card/code").json()["value"]
    person = desk.post("/console/scan/", {"code": code}, page="/console/scan/")
    ref = person.url.rsplit("/", 1)[1]
    with world.session() as session:
        member = session.scalars(select(Member).where(Member.ref == ref)).one()
        booking = booked.json()["id"]
    desk.post(f"/console/today/bookings/{booking}/arrive", page="/console/today/")
    assert desk.post(
        f"/console/scan/people/{ref}/purchases",
        {"amount": "5200", "order_ref": "T-1"},
        page=person.url.removeprefix(world.url),
    ).ok
    world.settle()
    assert titles(world, mei)[-1] == "You are now Silver"

    # Within 90 days she comes back and buys again. Ken never does.
    world.go_to(slot.starts_at + timedelta(days=60))
    desk = StaffBrowser(world.url, "store")
    desk.post("/console/scan/", {"code": "0912345678"}, page="/console/scan/")
    answer = desk.post(
        f"/console/scan/people/{ref}/purchases",
        {"amount": "900", "order_ref": "T-2"},
        page=person.url.removeprefix(world.url),
    )
    assert answer.ok

    # Four reviews close, each after the eighth of the month that follows.
    with world.session() as session:
        calendar = calendar_of(session)
    for month_end in (date(2027, 4, 9), date(2027, 5, 9)):
        world.go_to(calendar.start(month_end) + timedelta(hours=12))
        world.clock.run_due(threading.Event())
        world.settle()
    with world.session() as session:
        closed = session.scalars(select(MonthClose.month).order_by(MonthClose.month)).all()
    assert closed[-4:] == ["2027-01", "2027-02", "2027-03", "2027-04"]
    assert member.ref == ref

    january, april = metrics(world, "2027-01")["metrics"], metrics(world, "2027-04")["metrics"]
    assert k_of_n(january["tag_coverage"]) == (1, 2)
    assert k_of_n(january["segment_engagement"]) == (0, 0)
    assert {name: k_of_n(part) for name, part in january["conversion_completion"]["parts"].items()} == {
        "booking": (1, 1), "check_in": (1, 1), "form": (1, 1), "order": (1, 1), "registration": (2, 2),
    }  # fmt: skip
    assert k_of_n(april["return"]) == (1, 2)
    assert k_of_n(april["return"]["parts"]["re_engage"]) == (1, 2)
    assert k_of_n(april["return"]["parts"]["revisit"]) == (1, 1)
    assert k_of_n(april["repurchase"]) == (1, 1)
    assert k_of_n(april["campaign_capture"]) == (0, 0)
    assert world.line.violations() == []
