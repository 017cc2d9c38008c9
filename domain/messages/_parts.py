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


LABEL_LIMIT = 40  # characters, on a Flex button
INK, SOFT = "#262624", "#5c5b57"
# Below this luminance white is easier to read on a colour than black.
DARK = 0.3


def text(words: str, **more: Any) -> Json:
    return {"type": "text", "text": words, "wrap": True, **more}


def link_button(label: str, uri: str, *, colour: str) -> Json:
    return _button({"type": "uri", "label": label[:LABEL_LIMIT], "uri": uri}, colour)


def postback_button(label: str, data: str, *, colour: str) -> Json:
    """A button that tells the bot; the chat shows its label as the person's own words."""
    return _button({"type": "postback", "label": label[:LABEL_LIMIT], "data": data, "displayText": label}, colour)


def _button(action: Json, colour: str) -> Json:
    """In the brand's colour, its label white or black, whichever can be read on it. LINE makes it 52 px high."""
    style = "primary" if _luminance(colour) < DARK else "secondary"
    return {"type": "button", "style": style, "color": colour, "height": "md", "action": action}


def bubble(title: str, lines: list[str], *, buttons: list[Json]) -> Json:
    """One thought: a title under a short stroke of the brand's colour, a few quiet lines, the button that matters."""
    words = [text(line, size="sm", color=SOFT, lineSpacing="4px") for line in lines if line]
    heading = [text(title, weight="bold", size="lg", color=INK)] if title else []
    stroke = [_stroke(buttons[0]["color"])] if buttons and heading else []
    made: Json = {
        "type": "bubble",
        "size": "kilo",
        "body": _column([*stroke, *heading, *words], spacing="md", paddingAll="20px"),
    }
    if buttons:
        made["footer"] = _column(buttons, spacing="sm", paddingAll="16px", paddingTop="0px")
    return made


def _column(contents: list[Json], **more: Any) -> Json:
    return {"type": "box", "layout": "vertical", "contents": contents, **more}


def _stroke(colour: str) -> Json:
    return _column([], width="28px", height="3px", backgroundColor=colour, cornerRadius="2px")


def flex(alt_text: str, contents: Json) -> Json:
    """A Flex message; `alt_text` is what notifications and screen readers say."""
    return {"type": "flex", "altText": alt_text[:400], "contents": contents}


def _luminance(colour: str) -> float:
    """How light a colour is, 0 to 1, as WCAG counts it."""
    try:
        parts = [int(colour.lstrip("#")[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    except ValueError:
        return 0.0
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
