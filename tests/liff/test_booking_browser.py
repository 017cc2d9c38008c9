"""A visit booked and moved, a full time waited for, and a coupon claimed and shown, in a real browser."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.operations import booking
from models.session import Sessions
from models.store import Booking, Slot
from tests.support import databases
from tests.support.a_member import furnish
from tests.support.browser import accessibility_problems, chromium
from tests.support.factories import make_coupon, make_member
from tests.support.world import World

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 320, "height": 720}, "locale": "en-GB", "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(databases.fresh("sqlite", "booking", tmp_path_factory.mktemp("booking"))) as running:
        yield running


@pytest.fixture(scope="module")
def mei(world: World) -> str:
    user = furnish(world, language="en")
    with world.sessions.writing() as session:
        make_coupon(session, "later", title={"en": "Spring tea"}, claim_from=world.now + timedelta(days=5))
        session.commit()
    return user


@pytest.fixture
def ken(world: World, mei: str) -> str:
    """A second member, so that one test's visits are not on another's page."""
    user = world.line.add_user(name="Ken", language="en")
    world.line.follow(user)
    settle(world)
    joined = world.member(user).post(
        f"{world.url}/liff/api/registration", json={"name": "Ken", "email": "ken@example.com", "consent": False}
    )
    assert joined.status_code == 204, joined.text
    return user


@pytest.fixture(scope="module")
def browser() -> Any:
    return chromium()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(**PHONE)
    context.set_default_timeout(20_000)
    tab, complaints = context.new_page(), []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    context.close()
    assert complaints == []


def settle(world: World) -> None:
    """In a thread of its own: Playwright's event loop runs in this one, and the sender brings another."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(world.settle).result()


def slots_in(sessions: Sessions, moment: datetime) -> list[Slot]:
    """The slots of that day, in order."""
    with sessions.reading() as session:
        rows = session.query(Slot).filter(Slot.store_id == 1, Slot.starts_at >= moment).order_by(Slot.starts_at)
        return rows.limit(9).all()


def choose_day(page: Any, days_ahead: int, world: World) -> None:
    day = (world.now + timedelta(hours=8, days=days_ahead)).date().isoformat()
    page.locator(f"#day-{day}").click()
    page.locator(".time").first.wait_for()


def open_book(page: Any, world: World, user: str) -> None:
    page.goto(world.line.liff_url(user, "/book"))
    page.locator(".step-head").first.wait_for()
    if page.locator("#store-xinyi").count():
        page.locator("#store-xinyi").click()
    page.locator(".day").first.wait_for()


def test_a_visit_is_booked_moved_and_cancelled(page: Any, world: World, mei: str) -> None:
    open_book(page, world, mei)
    assert accessibility_problems(page) == []

    choose_day(page, 2, world)
    page.get_by_role("radio", name="14:00").check()
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Book 14:00").click()
    page.get_by_text("See you there").wait_for()
    assert accessibility_problems(page) == []
    settle(world)
    assert world.line.received(mei)[-1]["altText"].startswith("Your visit is booked: ")

    page.get_by_role("button", name="Change").click()
    choose_day(page, 3, world)
    page.get_by_role("radio", name="15:00").check()
    page.get_by_role("button", name="Move to 15:00").click()
    page.get_by_text("Moved to").wait_for()

    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel 15:00").click()
    page.get_by_text("The seat is free for someone else").wait_for()
    assert page.locator(".visits").count() == 0


def test_a_full_time_is_waited_for_and_its_freed_seat_taken(page: Any, world: World, ken: str) -> None:
    with world.sessions.writing() as session:
        slot = slots_in(world.sessions, world.now + timedelta(days=4))[0]
        session.get_one(Slot, slot.id).capacity = 1
        made = booking.book(session, make_member(session, friend=False), slot_id=slot.id, now=world.now)
        session.commit()
    local = slot.starts_at + timedelta(hours=8)

    open_book(page, world, ken)
    page.locator(f"#day-{local.date().isoformat()}").click()
    page.locator(f"#time-{slot.id}").check()
    page.get_by_role("button", name=f"Join the waitlist for {local:%H:%M}").click()
    page.get_by_text("You are number 1 in line").wait_for()

    with world.sessions.writing() as session:
        booking.cancel(session, session.get_one(Booking, made.id), by="staff", now=world.now)
        session.commit()
    settle(world)
    assert world.line.received(ken)[-1]["altText"].startswith("A seat is free")

    open_book(page, world, ken)
    page.get_by_text("A seat is held for you until").wait_for()
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Take the seat").click()
    page.get_by_text("See you there").wait_for()


def test_a_coupon_is_claimed_and_its_code_shown(page: Any, world: World, mei: str) -> None:
    page.goto(world.line.liff_url(mei, "/coupons"))
    page.get_by_text("Yours to claim").wait_for()
    assert page.get_by_text("This coupon cannot be claimed yet").count() == 1
    assert accessibility_problems(page) == []

    page.get_by_role("button", name="Claim the coupon").first.click()
    page.get_by_text("It is yours").wait_for()

    page.get_by_role("button", name="Show the code").first.click()
    page.locator(".code .qr").wait_for()
    assert accessibility_problems(page) == []


def test_nothing_is_wider_than_the_phone(page: Any, world: World, mei: str) -> None:
    for path in ("/book", "/coupons"):
        page.goto(world.line.liff_url(mei, path))
        page.locator("#main:not(:has([aria-busy]))").wait_for(state="attached")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
