"""The pieces messages are made of: the bubble, its lines and buttons, in the brand's colour."""

from dataclasses import dataclass
from typing import Any

from domain.wording import language_of
from models.member import Member
from models.programme import Brand

Json = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """A finished message: which file of this folder made it, and its LINE JSON (1 to 5 objects)."""

    name: str
    messages: list[Json]


def language_for(brand: Brand, member: Member) -> str:
    """The language to speak to this person in."""
    return language_of(member.language, brand.default_language)


def text(words: str, **more: Any) -> Json:
    return {"type": "text", "text": words, "wrap": True, **more}


def link_button(label: str, uri: str, *, colour: str) -> Json:
    action = {"type": "uri", "label": label[:20], "uri": uri}
    return {"type": "button", "style": "primary", "color": colour, "action": action}


def postback_button(label: str, data: str, *, colour: str) -> Json:
    """A button that tells the bot; the chat shows its label as the person's own words."""
    action = {"type": "postback", "label": label[:20], "data": data, "displayText": label}
    return {"type": "button", "style": "primary", "color": colour, "action": action}


def bubble(title: str, lines: list[str], *, buttons: list[Json]) -> Json:
    body = [text(title, weight="bold", size="lg"), *(text(line, size="sm", color="#555555") for line in lines)]
    made: Json = {
        "type": "bubble",
        "size": "kilo",
        "body": {"type": "box", "layout": "vertical", "spacing": "md", "contents": body},
    }
    if buttons:
        made["footer"] = {"type": "box", "layout": "vertical", "spacing": "sm", "contents": buttons}
    return made


def flex(alt_text: str, contents: Json) -> Json:
    return {"type": "flex", "altText": alt_text[:400], "contents": contents}
