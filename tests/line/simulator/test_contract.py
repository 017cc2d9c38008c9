"""What LINE would refuse, the simulator refuses, naming the place."""

from typing import Any

import pytest

from line.simulator.checking import graphemes, utf16
from line.simulator.contract import message_problems

TEXT = {"type": "text", "text": "Hello"}
BUTTON = {"type": "button", "action": {"type": "uri", "label": "Book", "uri": "https://liff.line.me/1-a/book"}}


def bubble(*contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"type": "box", "layout": "vertical", "contents": list(contents)}
    return {
        "type": "flex",
        "altText": "A card",
        "contents": {"type": "bubble", "body": body, **more},
    }


def quick(*actions: dict[str, Any]) -> dict[str, Any]:
    return {**TEXT, "quickReply": {"items": [{"type": "action", "action": action} for action in actions]}}


def places(*messages: Any) -> list[str]:
    return [problem.where for problem in message_problems({"messages": list(messages)})]


@pytest.mark.parametrize(
    "message",
    [
        TEXT,
        bubble({"type": "text", "text": "Dear Mei", "size": "lg", "color": "#112233", "wrap": True}, BUTTON),
        bubble({"type": "text", "contents": [{"type": "span", "text": "a", "weight": "bold"}]}),
        bubble({"type": "separator", "margin": "md"}, size="kilo"),
        quick({"type": "message", "label": "Yes", "text": "Yes"}, {"type": "location", "label": "Here"}),
        {"type": "sticker", "packageId": "446", "stickerId": "1988"},
        {"type": "location", "title": "Shop", "address": "1 Road", "latitude": 25.0, "longitude": 121.5},
        {
            "type": "template",
            "altText": "Sure?",
            "template": {
                "type": "confirm",
                "text": "Sure?",
                "actions": [
                    {"type": "postback", "label": "Yes", "data": "y"},
                    {"type": "message", "label": "No", "text": "n"},
                ],
            },
        },
    ],
)
def test_what_line_takes_passes(message: dict[str, Any]) -> None:
    assert places(message) == []


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({"type": "text", "text": " "}, "messages[0].text"),
        ({"type": "text", "text": "🍎" * 2501}, "messages[0].text"),
        ({"type": "telegram"}, "messages[0].type"),
        ({**bubble(BUTTON), "altText": "x" * 1501}, "messages[0].altText"),
        (bubble({"type": "text", "text": ""}), "messages[0].contents.body.contents[0].text"),
        (bubble({"type": "text", "text": "a", "colour": "#000000"}), "messages[0].contents.body.contents[0].colour"),
        (bubble({"type": "text", "text": "a", "color": "red"}), "messages[0].contents.body.contents[0].color"),
        (bubble({"type": "icon", "url": "https://a.b/c.png"}), "messages[0].contents.body.contents[0].type"),
        (bubble({"type": "image", "url": "http://a.b/c.png"}), "messages[0].contents.body.contents[0].url"),
        (bubble({"type": "text", "text": "x" * 31_000}), "messages[0].contents"),
        (
            bubble({"type": "button", "action": {"type": "uri", "label": "x" * 41, "uri": "https://a.b"}}),
            "messages[0].contents.body.contents[0].action.label",
        ),
        (quick({"type": "postback", "label": "x" * 21, "data": "d"}), "messages[0].quickReply.items[0].action.label"),
        (quick({"type": "postback", "label": "Go", "data": "d" * 301}), "messages[0].quickReply.items[0].action.data"),
        (quick(*[{"type": "camera", "label": "Photo"}] * 14), "messages[0].quickReply.items"),
        (bubble({"type": "box", "layout": "vertical"}), "messages[0].contents.body.contents[0].contents"),
    ],
)
def test_what_line_refuses_is_named(message: dict[str, Any], place: str) -> None:
    assert place in places(message)


def test_a_request_carries_one_to_five_messages() -> None:
    assert places() == ["messages"]
    assert places(*[TEXT] * 6) == ["messages"]


def test_a_carousel_holds_twelve_bubbles_of_one_size() -> None:
    one = bubble(BUTTON)["contents"]
    card = {"type": "flex", "altText": "Cards", "contents": {"type": "carousel", "contents": [one] * 13}}
    assert places(card) == ["messages[0].contents.contents"]
    card["contents"]["contents"] = [one, {**one, "size": "kilo"}]
    assert places(card) == ["messages[0].contents.contents"]


def test_lengths_are_counted_as_line_counts_them() -> None:
    assert utf16("🍎") == 2
    assert [graphemes(text) for text in ("สวัสดี", "👨‍👩‍👧", "🇯🇵🇹🇭", "予約", "e\u0301")] == [4, 1, 2, 2, 1]
