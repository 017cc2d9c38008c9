"""A campaign's message: a text, or a card with a picture, a title and one button.

Made from what the marketer wrote, as a template with `{field}` places that are filled for each person.
"""

import re
from collections.abc import Mapping
from typing import Any

from domain.messages._parts import Json, text
from domain.messages._parts import flex as flex_message
from models.substitution import fields_in

# Fields that mean the same to everyone who reads the template, and those that differ by person.
PERSONAL = ("name", "tier", "store")
LINK = re.compile(r"https?://[^\s<>\"{}]+")


def template_of(content: Mapping[str, Any], *, colour: str) -> list[Json]:
    """LINE JSON with `{name}`-like fields, and `{link_1}` … where its links stand."""
    words = content.get("text", "").strip()
    if not (content.get("image_url") or content.get("button_label") or content.get("title")):
        return [{"type": "text", "text": _linked(words, links_of(content))}]
    return [flex_message(_alt(content), _bubble(content, words, colour))]


def links_of(content: Mapping[str, Any]) -> list[str]:
    """The addresses the message leads to, each once; the button's first."""
    found = [content["button_url"]] if content.get("button_label") and content.get("button_url") else []
    if not (content.get("image_url") or content.get("button_label") or content.get("title")):
        found += LINK.findall(content.get("text", ""))
    return list(dict.fromkeys(found))


def is_personal(template: list[Json]) -> bool:
    """Whether people get different words, so that each needs a request of their own."""
    return bool(fields_in(template) & set(PERSONAL))


def _linked(words: str, links: list[str]) -> str:
    # Longest first, so that an address that begins another is not found inside it.
    for number, link in sorted(enumerate(links, 1), key=lambda each: -len(each[1])):
        words = words.replace(link, f"{{link_{number}}}")
    return words


def _alt(content: Mapping[str, Any]) -> str:
    first_line = str(content.get("text", "")).strip().split("\n")[0]
    return str(content.get("title") or first_line or content.get("button_label", ""))


def _bubble(content: Mapping[str, Any], words: str, colour: str) -> Json:
    body = [text(content["title"], weight="bold", size="lg")] if content.get("title") else []
    body += [text(words, size="md", color="#333333")] if words else []
    bubble: Json = {"type": "bubble", "size": "mega"}
    action = {"type": "uri", "label": content.get("button_label") or "→", "uri": "{link_1}"}
    has_link = bool(content.get("button_label") and content.get("button_url"))
    if content.get("image_url"):
        bubble["hero"] = {
            "type": "image", "url": content["image_url"], "size": "full", "aspectRatio": "20:13",
            "aspectMode": "cover", **({"action": action} if has_link else {}),
        }  # fmt: skip
    if body:
        bubble["body"] = {"type": "box", "layout": "vertical", "spacing": "md", "contents": body}
    if has_link:
        button = {"type": "button", "style": "primary", "color": colour, "height": "md", "action": action}
        bubble["footer"] = {"type": "box", "layout": "vertical", "contents": [button]}
    return bubble
