"""LINE's rules for what is sent: message objects, quick replies, and the properties around them.

These are our own compact rules, always in force; where LINE's OpenAPI files are at hand they are asked as well
(`openapi_check.py`), but those say nothing of most lengths.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from line.simulator.answers import Problem
from line.simulator.checking import Checker, graphemes
from line.simulator.contract_actions import check_action
from line.simulator.contract_flex import check_flex

ALT_TEXT = 1500
UNIT = re.compile(r"[a-zA-Z0-9_]{1,30}")
TAG = re.compile(r"[A-Za-z0-9_]{1,30}")
SENT = {"to", "replyToken", "messages", "notificationDisabled", "customAggregationUnits"}
Rule = Callable[[Checker, str, dict[str, Any]], None]


def message_problems(body: dict[str, Any]) -> list[Problem]:
    """What is wrong with `messages`; the validate endpoints check nothing else."""
    check = Checker()
    for where, message in check.objects(body, "messages", "", 1, 5):
        _message(check, where, message)
    return check.problems


def sending_problems(body: dict[str, Any]) -> list[Problem]:
    """What is wrong with a whole send, recipients apart."""
    check = Checker()
    check.truth(body, "notificationDisabled", "")
    units = body.get("customAggregationUnits")
    if units is not None:
        if not isinstance(units, list) or len(units) > 1:
            check.add("customAggregationUnits", "Size must be between 0 and 1")
        elif any(not isinstance(unit, str) or not UNIT.fullmatch(unit) for unit in units):
            check.add("customAggregationUnits[0]", "must be 1 to 30 of a-z, A-Z, 0-9 and _")
    return message_problems(body) + check.problems


def unknown_properties(body: dict[str, Any]) -> list[Problem]:
    """Top-level names LINE does not know and ignores; a slip would go unseen, so it is recorded, not refused."""
    return [Problem("unknown property, ignored by LINE", key) for key in body if key not in SENT]


def _message(check: Checker, where: str, message: dict[str, Any]) -> None:
    kind = message.get("type")
    rule = RULES.get(kind) if isinstance(kind, str) else None
    if rule is None:
        check.add(f"{where}.type", "invalid message type")
        return
    rule(check, where, message)
    if message.get("quickReply") is not None:
        _quick_reply(check, where, message)
    sender = message.get("sender")
    if isinstance(sender, dict):
        check.text(sender, "name", f"{where}.sender", 20, required=False)
        check.url(sender, "iconUrl", f"{where}.sender", required=False)


def _quick_reply(check: Checker, where: str, message: dict[str, Any]) -> None:
    found = check.child(message, "quickReply", where)
    if found is None:
        return
    for place, item in check.objects(found[1], "items", found[0], 1, 13):
        check.choice(item, "type", place, {"action"}, required=True)
        check.url(item, "imageUrl", place, required=False)
        check_action(check, f"{place}.action", item.get("action"), "quickReply")


def _text(check: Checker, where: str, message: dict[str, Any]) -> None:
    check.text(message, "text", where, 5000)
    emojis = message.get("emojis")
    if emojis is not None:
        for place, emoji in check.objects(message, "emojis", where, 0, 20):
            check.number(emoji, "index", place, 0, 5000)


def _text_v2(check: Checker, where: str, message: dict[str, Any]) -> None:
    check.text(message, "text", where, 5000)
    substitution = message.get("substitution")
    if substitution is not None and (not isinstance(substitution, dict) or len(substitution) > 100):
        check.add(f"{where}.substitution", "Size must be between 0 and 100")


def _sticker(check: Checker, where: str, message: dict[str, Any]) -> None:
    check.text(message, "packageId", where, 20)
    check.text(message, "stickerId", where, 20)


def _media(check: Checker, where: str, message: dict[str, Any]) -> None:
    check.url(message, "originalContentUrl", where)
    if message["type"] == "audio":
        check.number(message, "duration", where, 1, 86_400_000)
        return
    check.url(message, "previewImageUrl", where)
    check.text(message, "trackingId", where, 100, required=False)


def _location(check: Checker, where: str, message: dict[str, Any]) -> None:
    check.text(message, "title", where, 100)
    check.text(message, "address", where, 100)
    check.number(message, "latitude", where, -90, 90, whole=False)
    check.number(message, "longitude", where, -180, 180, whole=False)


def _imagemap(check: Checker, where: str, message: dict[str, Any]) -> None:
    check.url(message, "baseUrl", where)
    check.text(message, "altText", where, ALT_TEXT)
    base = check.child(message, "baseSize", where)
    if base is not None:
        check.number(base[1], "width", base[0], 1040, 1040)
        check.number(base[1], "height", base[0], 1, 100_000)
    check.objects(message, "actions", where, 0, 50)


def _flex(check: Checker, where: str, message: dict[str, Any]) -> None:
    check.text(message, "altText", where, ALT_TEXT)
    check_flex(check, f"{where}.contents", message.get("contents"))


def _coupon(check: Checker, where: str, message: dict[str, Any]) -> None:
    check.text(message, "couponId", where, 100)
    check.text(message, "deliveryTag", where, 30, required=False, shape=TAG)


def _template(check: Checker, where: str, message: dict[str, Any]) -> None:
    check.text(message, "altText", where, ALT_TEXT)
    found = check.child(message, "template", where)
    if found is None:
        return
    place, template = found
    rule = TEMPLATES.get(str(template.get("type")))
    if rule is None:
        check.add(f"{place}.type", "invalid template type")
    else:
        rule(check, place, template)


def _actions(check: Checker, where: str, owner: dict[str, Any], low: int, high: int) -> None:
    for place, action in check.objects(owner, "actions", where, low, high):
        check_action(check, place, action, "template")


def _buttons(check: Checker, where: str, template: dict[str, Any]) -> None:
    adorned = bool(template.get("title") or template.get("thumbnailImageUrl"))
    check.text(template, "title", where, 40, required=False, count=graphemes)
    check.text(template, "text", where, 60 if adorned else 160, count=graphemes)
    check.url(template, "thumbnailImageUrl", where, required=False)
    _actions(check, where, template, 1, 4)


def _confirm(check: Checker, where: str, template: dict[str, Any]) -> None:
    check.text(template, "text", where, 240, count=graphemes)
    _actions(check, where, template, 2, 2)


def _columns(check: Checker, where: str, template: dict[str, Any]) -> None:
    columns = check.objects(template, "columns", where, 1, 10)
    for place, column in columns:
        adorned = bool(column.get("title") or column.get("thumbnailImageUrl"))
        check.text(column, "title", place, 40, required=False, count=graphemes)
        check.text(column, "text", place, 60 if adorned else 120, count=graphemes)
        check.url(column, "thumbnailImageUrl", place, required=False)
        _actions(check, place, column, 1, 3)
    shapes = {(len(c.get("actions") or ()), bool(c.get("title")), bool(c.get("thumbnailImageUrl"))) for _, c in columns}
    if len(shapes) > 1:
        check.add(
            f"{where}.columns",
            "every column must have the same number of actions, and all or none a title and an image",
        )


def _image_columns(check: Checker, where: str, template: dict[str, Any]) -> None:
    for place, column in check.objects(template, "columns", where, 1, 10):
        check.url(column, "imageUrl", place)
        check_action(check, f"{place}.action", column.get("action"), "template")


TEMPLATES: dict[str, Rule] = {
    "buttons": _buttons,
    "confirm": _confirm,
    "carousel": _columns,
    "image_carousel": _image_columns,
}
RULES: dict[str, Rule] = {
    "text": _text,
    "textV2": _text_v2,
    "sticker": _sticker,
    "image": _media,
    "video": _media,
    "audio": _media,
    "location": _location,
    "imagemap": _imagemap,
    "template": _template,
    "flex": _flex,
    "coupon": _coupon,
}
