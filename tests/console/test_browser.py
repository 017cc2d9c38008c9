"""The console in a real Chromium: a day at the counter on a phone, a marketer at a desk, and axe on every page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from models.codes import make_code
from models.member import Member
from tests.support import databases
from tests.support.a_counter import furnish_counter
from tests.support.browser import accessibility_problems, chromium
from tests.support.console_screenshots import open_by_number, sign_in
from tests.support.world import World

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 390, "height": 760}, {"width": 1280, "height": 800}
PAGES = {
    "store": ["today/", "scan/", "scan/register", "me/"],
    "viewer": ["review/", "members/", "members/{ref}"],
    "marketer": [
        "members/?q=chen", "members/?q=nobody-at-all", "settings/", "settings/stuck", "scan/people/{ref}", "coupons/",
        "coupons/welcome", "surveys/", "surveys/visit", "care/",
    ],
    "owner": ["today/", "settings/staff", "settings/audit", "me/", "nowhere"],
}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Browser:
    return chromium()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(databases.fresh("sqlite", "console", tmp_path_factory.mktemp("console"))) as running:
        yield running


@pytest.fixture(scope="module")
def ref(world: World) -> str:
    return furnish_counter(world)


def tab(browser: Browser, size: dict[str, int]) -> Page:
    page = browser.new_context(viewport=size, locale="en-GB", reduced_motion="reduce").new_page()
    page.set_default_timeout(15_000)
    return page


def test_a_member_is_scanned_checked_in_and_served(browser: Browser, world: World, ref: str) -> None:
    page = tab(browser, PHONE)
    sign_in(page, world.url, "store")
    page.get_by_role("link", name="Scan", exact=True).click()
    # A hand scanner is a keyboard that ends with Enter; the field is ready for it.
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type(make_code(world.settings.secret_key.get_secret_value(), ref, world.now))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Check in for").click()
    expect(page.locator(".verdict.go")).to_be_visible()
    page.get_by_role("button", name="Redeem").first.click()
    expect(page.get_by_role("status")).to_contain_text("Coupon used")
    page.get_by_label("Amount in TWD").fill("1280")
    page.get_by_role("button", name="Record purchase").click()
    expect(page.get_by_role("status")).to_contain_text("NT$ 1,280")
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Undo purchase").click()
    expect(page.get_by_role("status")).to_contain_text("taken back")
    page.get_by_label("Number as they show it").fill("0912 345 678")
    page.get_by_role("button", name="I have seen it").click()
    expect(page.locator("#phone")).to_contain_text("Verified")
    assert "912345678" not in page.content()


def test_a_phone_is_verified_by_a_code_that_reaches_it(browser: Browser, world: World, ref: str) -> None:
    with world.session() as session:
        other = session.scalars(select(Member.ref).where(Member.name == "Chen Wei")).one()
    page = tab(browser, PHONE)
    sign_in(page, world.url, "owner")
    page.goto(f"{world.url}/console/scan/people/{other}")
    page.get_by_label("Number as they show it").fill("0987 000 111")
    page.get_by_role("button", name="Send a code").click()
    page.get_by_label("Code from the text message").wait_for()
    page.get_by_label("Code from the text message").fill(world.line.texts("+886987000111")[-1]["text"].split(" ")[0])
    page.get_by_role("button", name="Verify", exact=True).click()
    expect(page.locator("#phone")).to_contain_text("Verified")


def test_the_camera_reads_through_the_server_where_the_browser_cannot(browser: Browser, world: World, ref: str) -> None:
    """The page's own script, with a drawn picture in the camera's place."""
    page = tab(browser, PHONE)
    sign_in(page, world.url, "store")
    code = make_code(world.settings.secret_key.get_secret_value(), ref, world.now)
    page.goto(f"{world.url}/console/scan/")
    page.evaluate(FAKE_CAMERA, _drawn(code))
    page.get_by_role("button", name="Open the camera").click()
    page.wait_for_url(lambda url: f"/people/{ref}" in url)


FAKE_CAMERA = """(png) => {
  delete window.BarcodeDetector;
  navigator.mediaDevices.getUserMedia = async () => {
    const picture = new Image();
    picture.src = png;
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 480;
    setInterval(() => canvas.getContext("2d").drawImage(picture, 0, 0, 480, 480), 50);
    return canvas.captureStream(20);
  };
}"""


def _drawn(code: str) -> str:
    import segno

    return str(segno.make(code).png_data_uri(scale=8, border=4))


def test_today_is_worked_with_the_keyboard(browser: Browser, world: World, ref: str) -> None:
    page = tab(browser, DESK)
    sign_in(page, world.url, "store")
    page.goto(f"{world.url}/console/today/")
    page.bring_to_front()  # one browser serves every test of the process; the keys go to the page in front
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.get_by_role("button", name="佐藤 花 arrived").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("佐藤 花 is checked in")
    page.get_by_role("button", name="Undo for 佐藤 花").press("Enter")
    expect(page.get_by_role("button", name="佐藤 花 arrived")).to_be_visible()


def test_a_marketer_asks_why(browser: Browser, world: World, ref: str) -> None:
    page = tab(browser, DESK)
    sign_in(page, world.url, "marketer")
    page.goto(f"{world.url}/console/members/")
    page.get_by_label("Search people").fill("陳美")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="陳美玲").click()
    tag = page.locator("details.tag").first
    tag.locator("summary").click()
    expect(tag).to_contain_text("The rule:")
    page.get_by_label("Note for the team").fill("Prefers the window seat")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".timeline")).to_contain_text("Prefers the window seat")


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("role", PAGES)
def test_every_page_fits_and_is_accessible(
    browser: Browser, world: World, ref: str, role: str, size: dict[str, int]
) -> None:
    page = tab(browser, size)
    page.goto(f"{world.url}/console/sign-in")
    assert accessibility_problems(page) == []
    trouble: list[str] = []
    page.on("console", lambda line: trouble.append(line.text) if "Content Security" in line.text else None)
    sign_in(page, world.url, role)
    if role == "store":
        open_by_number(page, world, ref)
        assert accessibility_problems(page) == []
    for path in PAGES[role]:
        page.goto(f"{world.url}/console/{path.format(ref=ref)}")
        assert accessibility_problems(page) == [], path
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), f"{path} is too wide"
    assert trouble == []


def test_the_session_of_a_scanned_member_ends_with_the_cookie(browser: Browser, world: World, ref: str) -> None:
    """A second phone of the same store cannot open what the first has scanned."""
    page = tab(browser, PHONE)
    sign_in(page, world.url, "store")
    answer = page.goto(f"{world.url}/console/scan/people/{ref}")
    assert answer is not None
    assert answer.status == 403
