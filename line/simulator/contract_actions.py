"""LINE's rules for actions: what a button, a quick reply, a menu area or a bubble does when tapped."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

from line.simulator.checking import Checker, graphemes

Place = Literal["template", "quickReply", "richMenu", "flex", "flexButton"]

LABEL_LENGTH: dict[Place, int] = {"template": 20, "quickReply": 20, "richMenu": 20, "flex": 40, "flexButton": 40}
LABEL_REQUIRED: set[Place] = {"template", "quickReply", "flexButton"}
QUICK_REPLY_ONLY = {"camera", "cameraRoll", "location"}
URI_SCHEMES = {"http", "https", "line", "tel"}
URI_LENGTH = 1000
ALIAS = re.compile(r"[a-z0-9_-]{1,32}")
INPUT_OPTIONS = {"closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"}
PICKED = {
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "time": re.compile(r"\d{2}:\d{2}"),
    "datetime": re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}"),
}


def check_action(check: Checker, where: str, action: Any, place: Place) -> None:
    """Check one action where it stands."""
    if not isinstance(action, dict):
        check.add(where, "must be specified")
        return
    kind = action.get("type")
    rule = RULES.get(kind) if isinstance(kind, str) else None
    if (
        rule is None
        or (kind in QUICK_REPLY_ONLY and place != "quickReply")
        or (kind == "richmenuswitch" and place != "richMenu")
    ):
        check.add(f"{where}.type", "invalid action type")
        return
    check.text(action, "label", where, LABEL_LENGTH[place], required=place in LABEL_REQUIRED, count=graphemes)
    rule(check, where, action)


def _postback(check: Checker, where: str, action: dict[str, Any]) -> None:
    check.text(action, "data", where, 300)
    check.text(action, "displayText", where, 300, required=False, count=graphemes)
    check.text(action, "text", where, 300, required=False, count=graphemes)
    check.text(action, "fillInText", where, 300, required=False, count=graphemes)
    check.choice(action, "inputOption", where, INPUT_OPTIONS)
    if action.get("fillInText") and action.get("inputOption") != "openKeyboard":
        check.add(f"{where}.fillInText", "only with inputOption openKeyboard")
    if action.get("displayText") and action.get("text"):
        check.add(f"{where}.displayText", "not together with text")


def _message(check: Checker, where: str, action: dict[str, Any]) -> None:
    check.text(action, "text", where, 300, count=graphemes)


def _uri(check: Checker, where: str, action: dict[str, Any]) -> None:
    check.text(action, "uri", where, URI_LENGTH)
    value = action.get("uri")
    if isinstance(value, str) and value and urlsplit(value).scheme not in URI_SCHEMES:
        check.add(f"{where}.uri", "invalid uri scheme")
    elif isinstance(value, str) and (not value.isascii() or " " in value):
        check.add(f"{where}.uri", "invalid uri")


def _datetimepicker(check: Checker, where: str, action: dict[str, Any]) -> None:
    check.text(action, "data", where, 300)
    check.choice(action, "mode", where, PICKED, required=True)
    shape = PICKED.get(str(action.get("mode")))
    for key in ("initial", "min", "max"):
        check.text(action, key, where, 16, required=False, shape=shape)
    if action.get("min") and action.get("max") and str(action["min"]) >= str(action["max"]):
        check.add(f"{where}.min", "must be before max")


def _richmenuswitch(check: Checker, where: str, action: dict[str, Any]) -> None:
    check.text(action, "data", where, 300)
    check.text(action, "richMenuAliasId", where, 32, shape=ALIAS)


def _clipboard(check: Checker, where: str, action: dict[str, Any]) -> None:
    check.text(action, "clipboardText", where, 1000)


def _nothing(check: Checker, where: str, action: dict[str, Any]) -> None:
    """Camera, camera roll and location carry a label only."""


RULES: dict[str, Callable[[Checker, str, dict[str, Any]], None]] = {
    "postback": _postback,
    "message": _message,
    "uri": _uri,
    "datetimepicker": _datetimepicker,
    "richmenuswitch": _richmenuswitch,
    "clipboard": _clipboard,
    "camera": _nothing,
    "cameraRoll": _nothing,
    "location": _nothing,
}
