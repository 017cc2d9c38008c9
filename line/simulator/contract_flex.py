"""LINE's rules for Flex Messages: which component may stand where, with which properties and values."""

from __future__ import annotations

import json
import re
from typing import Any

from line.simulator.checking import Checker
from line.simulator.contract_actions import check_action

BUBBLE_BYTES = 30 * 1024
CAROUSEL_BYTES = 50 * 1024
CAROUSEL_BUBBLES = 12
BUBBLE_SIZES = ("nano", "micro", "deca", "hecto", "kilo", "mega", "giga")
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?")
SPACE = re.compile(r"none|xs|sm|md|lg|xl|xxl|\d+(\.\d+)?px|\d+(\.\d+)?%")
LENGTH = re.compile(r"\d+(\.\d+)?px|\d+(\.\d+)?%")
SIZE = re.compile(r"xxs|xs|sm|md|lg|xl|xxl|3xl|4xl|5xl|full|\d+(\.\d+)?px|\d+(\.\d+)?%")
BORDER = re.compile(r"none|light|normal|medium|semi-bold|bold|\d+(\.\d+)?px")
RATIO = re.compile(r"\d+(\.\d+)?:\d+(\.\d+)?")

PLACED = {"position", "offsetTop", "offsetBottom", "offsetStart", "offsetEnd", "margin"}
PADDED = {"paddingAll", "paddingTop", "paddingBottom", "paddingStart", "paddingEnd"}
STYLED = {"size", "color", "weight", "style", "decoration"}
PROPERTIES: dict[str, set[str]] = {
    "box": PLACED
    | PADDED
    | {
        "layout",
        "contents",
        "flex",
        "spacing",
        "action",
        "justifyContent",
        "alignItems",
        "background",
        "backgroundColor",
    }
    | {"borderColor", "borderWidth", "cornerRadius", "width", "maxWidth", "height", "maxHeight"},
    "button": PLACED | {"action", "flex", "color", "style", "gravity", "height", "adjustMode", "scaling"},
    "image": PLACED
    | {"url", "flex", "align", "gravity", "size", "aspectRatio", "aspectMode", "backgroundColor", "action", "animated"},
    "video": {"url", "previewUrl", "altContent", "aspectRatio", "action"},
    "icon": PLACED | {"url", "size", "aspectRatio", "scaling"},
    "text": PLACED
    | STYLED
    | {
        "text",
        "contents",
        "flex",
        "align",
        "gravity",
        "wrap",
        "lineSpacing",
        "action",
        "maxLines",
        "adjustMode",
        "scaling",
    },
    "span": STYLED | {"text"},
    "separator": {"margin", "color"},
    "filler": {"flex"},
}
VALUES: dict[str, set[str]] = {
    "layout": {"horizontal", "vertical", "baseline"},
    "position": {"relative", "absolute"},
    "justifyContent": {"center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"},
    "alignItems": {"center", "flex-start", "flex-end"},
    "gravity": {"top", "bottom", "center"},
    "align": {"start", "end", "center"},
    "weight": {"regular", "bold"},
    "decoration": {"none", "underline", "line-through"},
    "aspectMode": {"fit", "cover"},
    "adjustMode": {"shrink-to-fit"},
}
SHAPES: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("margin", "spacing", "cornerRadius", *sorted(PADDED)), SPACE),
    **dict.fromkeys(("offsetTop", "offsetBottom", "offsetStart", "offsetEnd"), SPACE),
    **dict.fromkeys(("width", "maxWidth", "height", "maxHeight"), LENGTH),
    **dict.fromkeys(("color", "backgroundColor", "borderColor"), COLOUR),
    "size": SIZE,
    "borderWidth": BORDER,
    "aspectRatio": RATIO,
}
TRUTHS = {"wrap", "scaling", "animated"}


def check_flex(check: Checker, where: str, contents: Any) -> None:
    """Check the container of a Flex Message."""
    if not isinstance(contents, dict):
        check.add(where, "must be specified")
    elif contents.get("type") == "bubble":
        _bubble(check, where, contents, in_carousel=False)
    elif contents.get("type") == "carousel":
        _carousel(check, where, contents)
    else:
        check.add(f"{where}.type", "must be bubble or carousel")


def _carousel(check: Checker, where: str, carousel: dict[str, Any]) -> None:
    _weigh(check, where, carousel, CAROUSEL_BYTES)
    bubbles = check.objects(carousel, "contents", where, 1, CAROUSEL_BUBBLES)
    for place, bubble in bubbles:
        if bubble.get("type") != "bubble":
            check.add(f"{place}.type", "must be bubble")
        _bubble(check, place, bubble, in_carousel=True)
    if len({bubble.get("size", "mega") for _, bubble in bubbles}) > 1:
        check.add(f"{where}.contents", "bubbles of a carousel must have the same size")


def _bubble(check: Checker, where: str, bubble: dict[str, Any], *, in_carousel: bool) -> None:
    _weigh(check, where, bubble, BUBBLE_BYTES)
    _unknown(
        check, where, bubble, {"type", "size", "direction", "header", "hero", "body", "footer", "styles", "action"}
    )
    check.choice(bubble, "size", where, BUBBLE_SIZES)
    check.choice(bubble, "direction", where, {"ltr", "rtl"})
    for block in ("header", "body", "footer"):
        if bubble.get(block) is not None:
            _component(check, f"{where}.{block}", bubble[block], {"box"})
    if bubble.get("hero") is not None:
        _component(
            check, f"{where}.hero", bubble["hero"], {"box", "image"} if in_carousel else {"box", "image", "video"}
        )
    if not any(bubble.get(block) for block in ("header", "hero", "body", "footer")):
        check.add(where, "at least one block must be specified")
    if bubble.get("action") is not None:
        check_action(check, f"{where}.action", bubble["action"], "flex")


def _component(check: Checker, where: str, component: Any, allowed: set[str]) -> None:
    if not isinstance(component, dict):
        check.add(where, "must be specified")
        return
    kind = component.get("type")
    if kind not in allowed:
        check.add(f"{where}.type", f"must be one of {sorted(allowed)}")
        return
    _unknown(check, where, component, PROPERTIES[kind] | {"type"})
    _values(check, where, component, kind)
    if kind == "box":
        _box(check, where, component)
    elif kind == "text":
        _text(check, where, component)
    elif kind == "button":
        check_action(check, f"{where}.action", component.get("action"), "flexButton")
    elif kind == "span":
        check.text(component, "text", where, 5000)
    else:
        _pictured(check, where, component, kind)
    if kind != "button" and component.get("action") is not None:
        check_action(check, f"{where}.action", component["action"], "flex")


def _box(check: Checker, where: str, box: dict[str, Any]) -> None:
    check.choice(box, "layout", where, VALUES["layout"], required=True)
    contents = box.get("contents")
    if not isinstance(contents, list):
        check.add(f"{where}.contents", "must be specified")
        return
    baseline = box.get("layout") == "baseline"
    allowed = {"icon", "text", "filler"} if baseline else {"box", "button", "image", "text", "separator", "filler"}
    for index, component in enumerate(contents):
        _component(check, f"{where}.contents[{index}]", component, allowed)


def _text(check: Checker, where: str, text: dict[str, Any]) -> None:
    spans = text.get("contents")
    if spans is None:
        check.text(text, "text", where, 5000)
        return
    if not isinstance(spans, list):
        check.add(f"{where}.contents", "must be a list of spans")
        return
    for index, span in enumerate(spans):
        _component(check, f"{where}.contents[{index}]", span, {"span"})


def _pictured(check: Checker, where: str, component: dict[str, Any], kind: str) -> None:
    if kind in ("image", "icon", "video"):
        check.url(component, "url", where)
    if kind == "video":
        check.url(component, "previewUrl", where)
        _component(check, f"{where}.altContent", component.get("altContent"), {"box", "image"})


def _values(check: Checker, where: str, component: dict[str, Any], kind: str) -> None:
    for key, value in component.items():
        if key == "style":
            allowed = {"primary", "secondary", "link"} if kind == "button" else {"normal", "italic"}
            check.choice(component, key, where, allowed)
        elif key == "height" and kind == "button":
            check.choice(component, key, where, {"sm", "md"})
        elif key in VALUES:
            check.choice(component, key, where, VALUES[key])
        elif key in SHAPES and not (isinstance(value, str) and SHAPES[key].fullmatch(value)):
            check.add(f"{where}.{key}", "invalid property")
        elif key in TRUTHS:
            check.truth(component, key, where)
        elif key in ("flex", "maxLines"):
            check.number(component, key, where, 0, 10_000)


def _unknown(check: Checker, where: str, owner: dict[str, Any], known: set[str]) -> None:
    for key in owner:
        if key not in known:
            check.add(f"{where}.{key}", "unknown field")


def _weigh(check: Checker, where: str, container: dict[str, Any], limit: int) -> None:
    if len(json.dumps(container, ensure_ascii=False, separators=(",", ":")).encode()) > limit:
        check.add(where, f"must not be larger than {limit // 1024} KB")
