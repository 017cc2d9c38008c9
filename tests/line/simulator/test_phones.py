"""The page of phones: what a person can see and press."""

from typing import Any

import pytest

from line.simulator.testing import Simulator
from tests.line.simulator.conftest import App, Line

pytestmark = pytest.mark.browser

CARD = {
    "type": "flex",
    "altText": "Your booking",
    "contents": {
        "type": "bubble",
        "body": {
            "type": "box",
            "layout": "vertical",
            "spacing": "md",
            "contents": [
                {
                    "type": "text",
                    "contents": [{"type": "span", "text": "3 December "}, {"type": "span", "text": "14:00"}],
                },
                {"type": "separator"},
                {"type": "box", "layout": "baseline", "contents": [{"type": "text", "text": "Harbour Street"}]},
                {
                    "type": "button",
                    "style": "primary",
                    "action": {"type": "postback", "label": "Change", "data": "c=1"},
                },
            ],
        },
    },
}
CHOICE = {"type": "action", "action": {"type": "message", "label": "Tomorrow", "text": "tomorrow"}}


def phone(tab: Any, number: int = 1) -> Any:
    return tab.get_by_label(f"Phone {number}", exact=True)


def test_adding_writing_and_blocking(simulator: Simulator, tab: Any, app: App) -> None:
    user = simulator.add_user(name="Mei")
    tab.goto(f"{simulator.base_url}/?user={user}")
    phone(tab).get_by_role("button", name="Add as friend").click()
    phone(tab).get_by_text("friend", exact=True).wait_for()
    phone(tab).get_by_label("Message from phone 1").fill("Hello")
    phone(tab).get_by_role("button", name="Send").click()
    phone(tab).get_by_role("log").get_by_text("Hello").wait_for()
    phone(tab).get_by_role("button", name="More").click()
    phone(tab).get_by_role("menuitem", name="Block").click()
    phone(tab).get_by_role("button", name="Unblock").wait_for()
    assert [event["type"] for event in app.events] == ["follow", "message", "unfollow"]


def test_what_is_sent_appears_at_once_and_can_be_pressed(simulator: Simulator, tab: Any, app: App, line: Line) -> None:
    user = simulator.add_user(name="Mei", following=True)
    tab.goto(f"{simulator.base_url}/?user={user}")
    phone(tab).get_by_text("Nothing has been said yet.").wait_for()
    line.push(user, CARD, {"type": "text", "text": "When?", "quickReply": {"items": [CHOICE]}})
    phone(tab).get_by_text("14:00", exact=True).wait_for()
    phone(tab).get_by_role("button", name="Tomorrow").click()
    phone(tab).get_by_text("tomorrow", exact=True).wait_for()
    assert not phone(tab).get_by_role("button", name="Tomorrow").is_visible()
    phone(tab).get_by_role("button", name="Change").click()
    tab.get_by_role("cell", name="webhook: postback").wait_for()
    assert app.events[-1]["postback"] == {"data": "c=1"}


def test_two_phones_hold_two_people(simulator: Simulator, tab: Any) -> None:
    mei, ken = simulator.add_user(name="Mei"), simulator.add_user(name="Ken")
    tab.goto(f"{simulator.base_url}/?user={mei}&user={ken}")
    phone(tab, 1).get_by_text("Mei is not a friend").wait_for()
    phone(tab, 2).get_by_text("Ken is not a friend").wait_for()
    phone(tab, 2).get_by_role("button", name="Ken").click()
    tab.get_by_label("Search").fill("me")
    tab.get_by_role("dialog").get_by_role("button", name="Mei").click()
    phone(tab, 2).get_by_text("Mei is not a friend").wait_for()


def test_a_breach_is_shown_and_a_fault_can_be_turned_on(simulator: Simulator, tab: Any, line: Line) -> None:
    user = simulator.add_user(name="Mei", following=True)
    tab.goto(simulator.base_url)
    line.push(user, {"type": "text", "text": ""})
    tab.get_by_label("Broke LINE's contract").get_by_text("May not be empty").wait_for()
    tab.get_by_label("What goes wrong").select_option("call:error_before")
    tab.get_by_label("Where").select_option("push")
    tab.get_by_role("button", name="Turn on").click()
    tab.get_by_text("error_before · push").wait_for()
    assert line.push(user).status_code == 500


def test_a_one_time_code_slides_in_over_the_phone(simulator: Simulator, tab: Any) -> None:
    tab.goto(f"{simulator.base_url}/?user={simulator.add_user(name='Mei')}")
    phone(tab).get_by_text("Mei is not a friend").wait_for()
    simulator.ask("POST", "sms", {"to": "+886912345678", "text": "Your code is 123456."})
    phone(tab).get_by_text("Your code is 123456.").wait_for()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_and_is_usable_by_all(simulator: Simulator, tab: Any, line: Line, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    user = simulator.add_user(name="Mei", following=True)
    line.push(user, CARD, {"type": "text", "text": "When?", "quickReply": {"items": [CHOICE]}})
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto(f"{simulator.base_url}/?user={user}")
    phone(tab).get_by_role("button", name="Change").wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert [item["id"] for item in axe.run(tab).response["violations"]] == []
