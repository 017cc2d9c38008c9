"""The mini-app in a real Chromium, LINE played by the simulator: from the chat to the code, and what goes wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect
from sqlalchemy import select

from models.codes import read_code
from models.event import Event
from models.member import Member
from tests.support import databases
from tests.support.a_member import furnish
from tests.support.browser import accessibility_problems, chromium
from tests.support.world import World

pytestmark = pytest.mark.browser
SCREENS = ("card", "tier", "me", "news", "contact", "privacy", "forms/visit")


@pytest.fixture(scope="module")
def browser() -> Browser:
    return chromium()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(databases.fresh("sqlite", "liff", tmp_path_factory.mktemp("liff"))) as running:
        yield running


@pytest.fixture(scope="module")
def member(world: World) -> str:
    return furnish(world, language="en")


@pytest.fixture
def tab(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 720})
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


def open_app(tab: BrowserContext, world: World, user: str, path: str) -> Page:
    """As a tap in the chat opens it: LINE's two redirects, then the page."""
    page = tab.new_page()
    page.goto(world.line.liff_url(user, path))
    page.wait_for_url(lambda url: "liff.state" not in url)
    page.locator("#main:not(:has([aria-busy]))").wait_for(state="attached")
    return page


def test_a_new_friend_makes_a_card_and_shows_its_code(
    tab: BrowserContext, world: World, member: str, tmp_path: Path
) -> None:
    user = world.line.add_user(name="Aya", language="en")
    page = open_app(tab, world, user, "/card")
    page.wait_for_url("**/liff/join**")
    expect(page.get_by_label("Name")).to_have_value("Aya")
    page.get_by_role("button", name="Make my card").click()
    expect(page.get_by_role("alert")).to_contain_text("phone number or an e-mail")
    page.get_by_label("Phone").fill("12")
    page.get_by_role("button", name="Make my card").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be right")
    page.get_by_label("Phone").fill("0912 345 678")
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Make my card").click()
    page.wait_for_url("**/liff/card")
    page.get_by_role("button", name="Card of Aya").click()
    page.locator(".qr").wait_for()
    page.wait_for_timeout(500)
    shot = tmp_path / "code.png"
    page.screenshot(path=shot)
    codes = {found.text for found in zxingcpp.read_barcodes(Image.open(shot))}
    with world.sessions.reading() as session:
        aya = session.scalars(select(Member).where(Member.name == "Aya")).one()
        assert {read_code(world.service.secret_key, code, world.now) for code in codes} == {aya.ref}
    assert accessibility_problems(page) == []


@pytest.mark.parametrize("path", SCREENS)
def test_every_screen_is_accessible(tab: BrowserContext, world: World, member: str, path: str) -> None:
    page = open_app(tab, world, member, f"/{path}")
    page.wait_for_timeout(700)
    assert accessibility_problems(page) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.emulate_media(color_scheme="dark")
    assert accessibility_problems(page) == []


def test_answers_are_sent_and_thanked_for(tab: BrowserContext, world: World, member: str) -> None:
    page = open_app(tab, world, member, "/forms/visit")
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_role("alert")).to_contain_text("answer this question too")
    page.get_by_role("radio", name="9").check()
    page.get_by_role("radio", name="Dry").check()
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    with world.sessions.reading() as session:
        answered = session.scalars(select(Event).where(Event.kind == "answered")).one()
        assert answered.data["answers"] == {"score": 9, "skin": "dry"}


def test_an_expired_token_is_cured_once_and_never_in_a_loop(tab: BrowserContext, world: World, member: str) -> None:
    posts: list[int] = []
    page = tab.new_page()
    page.on("response", lambda answer: posts.append(answer.status) if answer.url.endswith("/api/session") else None)
    refused: dict[str, Any] = {
        "status": 401,
        "content_type": "application/problem+json",
        "body": '{"status":401,"code":"token_expired","detail":"Signed in too long ago.","title":"","type":""}',
    }
    page.route("**/liff/api/session", lambda route: route.fulfill(**refused))
    page.goto(world.line.liff_url(member, "/card"))
    page.wait_for_timeout(4000)
    assert 1 <= len(posts) <= 2
    assert set(posts) == {401}


def test_without_a_connection_the_last_card_stays_with_its_time(tab: BrowserContext, world: World, member: str) -> None:
    page = open_app(tab, world, member, "/card")
    expect(page.get_by_text("陳美玲")).to_be_visible()
    page.route("**/liff/api/card", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("陳美玲")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("This is your card as of")


def test_two_people_in_one_browser_stay_two_people(tab: BrowserContext, world: World, member: str) -> None:
    """Phones side by side share the browser's cookies; each still acts for its own person."""
    hui = world.line.add_user(name="Hui", language="en")
    world.member(hui).post(
        f"{world.url}/liff/api/registration", json={"name": "Hui", "phone": "0987654321", "consent": False}
    ).raise_for_status()
    desk = tab.new_page()
    desk.set_viewport_size({"width": 900, "height": 720})
    desk.goto(f"{world.line.base_url}/liff/sdk.js")  # any page of the simulator may frame the mini-app
    first, second = (frame(desk, world, user) for user in (member, hui))
    expect(second.get_by_text("Hui", exact=True)).to_be_visible()
    expect(first.get_by_text("陳美玲")).to_be_visible()
    first.get_by_role("button", name="Show my code", exact=True).click()
    first.locator(".qr").wait_for()
    first.get_by_role("button", name="Close").click()
    for phone, name in ((second, "Hui"), (first, "陳美玲")):
        phone.get_by_role("link", name="My data").click()
        expect(phone.get_by_text(name, exact=True)).to_be_visible()
    first.get_by_label("I agree").uncheck()
    expect(first.get_by_role("status")).to_contain_text("no more offers")
    with world.sessions.reading() as session:
        members = session.scalars(select(Member).where(Member.name.in_(("Hui", "陳美玲"))).order_by(Member.id)).all()
        assert [each.marketing_consent for each in members] == [False, False]
        refused = set(session.scalars(select(Event.member_id).where(Event.kind == "refused")))
        assert refused >= {each.id for each in members}


def frame(desk: Page, world: World, user: str) -> FrameLocator:
    """A phone's sheet with the mini-app in it, named as the simulator's page names it."""
    add = """([name, src]) => {
        const sheet = Object.assign(document.createElement("iframe"), {name, src, width: 390, height: 640});
        document.body.append(sheet);
    }"""
    desk.evaluate(add, [f"liff-phone:{user}", f"{world.url}/liff/card"])
    return desk.frame_locator(f'iframe[name="liff-phone:{user}"]')
