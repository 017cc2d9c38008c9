"""A campaign's whole story through LINE: from a rule in the browser to who answered."""

import re
import threading
from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from domain.operations import staffing, tagging
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.member import Friend
from models.staff import Staff
from tests.support.browser import accessibility_problems, chromium
from tests.support.factories import make_member, make_tag
from tests.support.world import World

PASSWORD = "correct horse battery"


def settle(world: World) -> None:
    """In a thread of its own: the browser's event loop sits in this one."""
    worker = threading.Thread(target=world.settle)
    worker.start()
    worker.join()


def make_people(world: World) -> dict[str, str]:
    """Three VIPs who can be reached, one who blocked us, one who refused, one who is no VIP."""
    users = {
        name: world.line.add_user(name=name, following=True)
        for name in ("Mei", "Rin", "Noi", "Blocked", "Refused", "Other")
    }
    with world.sessions.writing() as session:
        now, channel = world.now, the_channel(session)
        vip = make_tag(session, "vip", name={"en": "VIP"})
        for name, user in users.items():
            member = make_member(session, friend=False, name=name, marketing_consent=name != "Refused")
            session.add(
                Friend(
                    channel_id=channel.id, member_id=member.id, user_id=user, is_following=name != "Blocked",
                    state_at=now - timedelta(days=9),
                )
            )  # fmt: skip
            if name != "Other":
                tagging.give(session, [member.id], vip, source="staff", now=now)
        hashed = staffing.HASHER.hash(PASSWORD)
        session.add(
            Staff(login="ann", name="Ann", role="marketer", password_hash=hashed, language="en", created_at=now)
        )
        session.commit()
    return users


def sign_in(page: Page, world: World) -> None:
    page.goto(f"{world.url}/console/sign-in")
    page.locator("input[name=login]").fill("ann")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)


def check(page: Page) -> None:
    """Nothing for axe to say, and nothing to scroll sideways, on a desk and on a phone."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 850})
        page.wait_for_timeout(150)
        assert accessibility_problems(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 850})


def outcomes(world: World) -> Counter[str]:
    with world.sessions.reading() as session:
        rows = session.scalars(
            select(Recipient).join(Campaign, Campaign.id == Recipient.campaign_id).where(Campaign.kind == "campaign")
        )
        return Counter(row.reason or row.state for row in rows)


@pytest.mark.browser
def test_from_a_rule_to_who_answered(database_url: str) -> None:
    browser = chromium()
    with World(database_url) as world:
        users = make_people(world)
        page = browser.new_page(viewport={"width": 1280, "height": 850}, locale="en-GB")
        errors: list[Any] = []
        page.on("pageerror", lambda error: errors.append(error))
        sign_in(page, world)

        page.goto(f"{world.url}/console/segments/new")
        page.get_by_label("Segment name", exact=True).fill("VIPs")
        page.get_by_role("button", name="Add a condition").click()
        page.locator("select[name='r-0.p.tag']").select_option("vip")
        page.get_by_text("has the tag VIP").first.wait_for()
        assert "5 people" in page.locator("[data-preview]").inner_text()
        check(page)
        page.get_by_role("button", name="Save the segment").last.click()
        page.get_by_text("Saved “VIPs”.").wait_for()

        page.get_by_role("button", name="Write to them").click()
        page.locator("#f-text").fill("{name}, spring tea is here.")
        page.locator("#f-button_label").fill("Book a tasting")
        page.locator("#f-button_url").fill("/book")
        page.get_by_text("When something about a person").click()
        page.locator("[name='fallback.name']").fill("Dear friend")
        page.locator("[name=holdout_percent]").fill("0")
        page.locator("[data-phone]").get_by_text("Book a tasting").wait_for()
        page.get_by_role("button", name="Save and look who gets it").click()
        send = page.get_by_role("button", name=re.compile("^Send to 3 people · NT"))
        send.wait_for()
        assert "1 have blocked us" in page.locator("#dry").inner_text()
        assert "Mei, spring tea is here." in page.locator("#dry").inner_text()
        check(page)
        send.click()
        page.get_by_text("Approved").first.wait_for()

        settle(world)
        assert outcomes(world) == {"sent": 3, "blocked": 1, "opted_out": 1}
        assert world.line.deliveries() == {users[name]: 1 for name in ("Mei", "Rin", "Noi")}
        assert world.line.violations() == []
        opened = world.line.tap(users["Mei"], "Book a tasting")["opens"]
        token = re.search(r"/t/([\w-]+)", unquote(str(opened)))
        assert token, opened
        phone = browser.new_page()
        phone.goto(world.line.liff_url(users["Mei"], f"/t/{token[1]}"))
        phone.wait_for_url(re.compile("/liff/book"))

        page.reload()
        page.get_by_text("1 of 3 whom it reached answered").wait_for()
        check(page)
        page.get_by_role("link", name="Who answered").click()
        assert page.locator("tbody tr").all_inner_texts()[0].startswith("Mei")
        assert errors == []
