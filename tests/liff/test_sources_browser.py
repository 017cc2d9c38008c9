"""Two pages of the mini-app in a real browser: arriving by a code of ours, and registering an e-invoice."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from domain.operations import arriving
from models.member import Identity, Member
from models.programme import EntrySource
from tests.support import databases
from tests.support.a_member import furnish
from tests.support.browser import accessibility_problems, chromium
from tests.support.world import World

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("PICTURES", "")  # a folder: what the pages look like is kept there


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(databases.fresh("sqlite", "sources", tmp_path_factory.mktemp("sources"))) as running:
        with running.sessions.writing() as session:
            arriving.add(session, key="popup", name="Winter pop-up", kind="event", campaign="winter")
            session.scalars(select(EntrySource)).one().welcome = {"en": "You are on the list of the winter tea table."}
            session.commit()
        yield running


@pytest.fixture
def tab() -> Iterator[BrowserContext]:
    opened = chromium().new_context(locale="en-GB", viewport={"width": 390, "height": 720})
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


def open_app(tab: BrowserContext, world: World, user: str, path: str) -> Page:
    page = tab.new_page()
    page.goto(world.line.liff_url(user, path))
    page.wait_for_url(lambda url: "liff.state" not in url)
    page.locator("#main:not(:has([aria-busy]))").wait_for(state="attached")
    return page


def is_well(page: Page, name: str) -> None:
    page.wait_for_timeout(700)
    assert accessibility_problems(page) == []
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.emulate_media(color_scheme="dark")
    assert accessibility_problems(page) == []


def test_a_scanned_code_welcomes_and_leads_to_the_card(tab: BrowserContext, world: World) -> None:
    user = world.line.add_user(name="Aya", language="en")
    page = open_app(tab, world, user, "/from/popup")
    expect(page.get_by_text("You are on the list of the winter tea table.")).to_be_visible()
    is_well(page, "from")
    page.get_by_role("link", name="Make my card").click()
    page.wait_for_url("**/liff/join")
    with world.sessions.reading() as session:
        aya = select(Member.entry_source).join(Identity, Identity.member_id == Member.id).where(Identity.value == user)
        assert session.scalar(aya) == "popup"


def test_an_invoice_is_registered_on_a_phone(tab: BrowserContext, world: World) -> None:
    user = furnish(world, language="en")
    page = open_app(tab, world, user, "/me")
    page.get_by_role("link", name="My invoices").click()
    page.wait_for_url("**/liff/invoices")
    number = page.get_by_label("Invoice number")
    number.fill("12345678")
    page.get_by_role("button", name="Register this invoice").click()
    expect(page.get_by_role("alert")).to_contain_text("two letters and eight digits")
    number.fill("ab-12345678")
    page.get_by_role("button", name="Register this invoice").click()
    expect(page.get_by_text("AB-12345678", exact=False)).to_be_visible()
    expect(page.get_by_text("waiting for the shop's file")).to_be_visible()
    page.get_by_label("Invoice number").fill("AB12345678")
    page.get_by_role("button", name="Register this invoice").click()
    expect(page.get_by_role("alert")).to_contain_text("counted already")
    is_well(page, "invoices")
