"""Tapping does what a phone does."""

import pytest

from line.simulator.testing import Simulator, SimulatorRefused
from tests.line.simulator.conftest import App, Line


def flex(*actions: dict) -> dict:
    buttons = [{"type": "button", "action": action} for action in actions]
    body = {"type": "box", "layout": "vertical", "contents": buttons}
    return {"type": "flex", "altText": "Card", "contents": {"type": "bubble", "body": body}}


def test_a_flex_button_sends_its_postback_and_shows_its_words(simulator: Simulator, line: Line, app: App) -> None:
    user = simulator.add_user(following=True)
    line.push(user, flex({"type": "postback", "label": "Confirm", "data": "booking=7", "displayText": "Confirmed"}))

    simulator.tap(user, "Confirm")

    assert app.events[-1]["postback"] == {"data": "booking=7"}
    assert simulator.chat(user)[-1]["message"]["text"] == "Confirmed"


def test_a_quick_reply_comes_before_older_buttons_and_goes_with_the_next_message(
    simulator: Simulator, line: Line, app: App
) -> None:
    user = simulator.add_user(following=True)
    line.push(user, flex({"type": "message", "label": "Yes", "text": "old yes"}))
    item = {"type": "action", "action": {"type": "message", "label": "Yes", "text": "new yes"}}
    line.push(user, {"type": "text", "text": "Shall we?", "quickReply": {"items": [item]}})

    simulator.tap(user, "Yes")
    simulator.tap(user, "Yes")

    assert [event["message"]["text"] for event in app.events] == ["new yes", "old yes"]


def test_a_date_picker_sends_what_was_picked(simulator: Simulator, line: Line, app: App) -> None:
    user = simulator.add_user(following=True)
    line.push(user, flex({"type": "datetimepicker", "label": "When", "data": "d", "mode": "datetime"}))
    simulator.tap(user, "When", picked="2026-12-01T18:30")
    assert app.events[-1]["postback"] == {"data": "d", "params": {"datetime": "2026-12-01T18:30"}}


def test_a_mini_app_link_opens_the_endpoint_with_its_state(simulator: Simulator, line: Line) -> None:
    user = simulator.add_user(following=True)
    liff = simulator.channel.liff_id
    uri = f"https://liff.line.me/{liff}/booking/7?from=menu"
    line.push(
        user, flex({"type": "uri", "label": "Book", "uri": uri}, {"type": "uri", "label": "Web", "uri": "https://a.b"})
    )
    assert simulator.tap(user, "Book")["opens"] == (
        f"{simulator.public_url}/liff/?liff.state=%2Fbooking%2F7%3Ffrom%3Dmenu"
    )
    assert simulator.tap(user, "Web")["opens"] == "https://a.b"


def test_tapping_what_is_not_there_says_what_is(simulator: Simulator, line: Line) -> None:
    user = simulator.add_user(following=True)
    line.push(user, flex({"type": "message", "label": "Yes", "text": "yes"}))
    with pytest.raises(SimulatorRefused, match="Yes"):
        simulator.tap(user, "No")


def test_a_one_time_code_reaches_the_phone(simulator: Simulator) -> None:
    simulator.ask("POST", "sms", {"to": "+886912345678", "text": "Your code is 123456."})
    assert [text["text"] for text in simulator.texts("+886912345678")] == ["Your code is 123456."]
    assert simulator.texts("+81") == []


def test_other_sites_cannot_press_our_buttons(simulator: Simulator) -> None:
    import requests

    answer = requests.post(f"{simulator.base_url}/_sim/reset", headers={"Origin": "https://evil.example"}, timeout=5)
    assert answer.status_code == 403
