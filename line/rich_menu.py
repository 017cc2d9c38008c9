"""The rich menu of six areas: its picture, drawn in the brand's colour, and the object LINE wants with it."""

import hashlib
import io
import json
import re
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from line.fonts import Font, font_for, plain_font
from line.icons import icon

WIDTH, HEIGHT = 2500, 1686
COLUMNS, ROWS = 3, 2
CELL_WIDTH, CELL_HEIGHT = WIDTH // COLUMNS, HEIGHT // ROWS
ICON_SIZE, LABEL_SIZE, SMALLEST_LABEL = 290, 96, 54
PAPER, INK, HAIRLINE, WHITE = (251, 250, 247), (38, 38, 36), (226, 222, 214), (255, 255, 255)
LOOK = 1  # grows with each change of the drawing itself, so that menus are published anew
MARGIN = 96  # that a label keeps from its neighbours, both sides together
BAR_LIMIT, LABEL_LIMIT = 14, 20  # characters LINE allows
Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Area:
    """One of the six: which drawing, what stands under it, what it opens. `english` is written where no font can."""

    key: str
    label: str
    english: str
    uri: str


@dataclass(frozen=True)
class Menu:
    """A menu in one language, ready to be drawn and published."""

    language: str
    name: str
    bar: str  # the words on the bar that opens it
    colour: str
    areas: tuple[Area, ...]

    def as_json(self) -> dict[str, Any]:
        """What LINE's rich menu endpoint takes."""
        return {
            "size": {"width": WIDTH, "height": HEIGHT},
            "selected": True,
            "name": self.name[:300],
            "chatBarText": self.bar[:BAR_LIMIT],
            "areas": [
                {"bounds": _bounds(n), "action": {"type": "uri", "label": area.label[:LABEL_LIMIT], "uri": area.uri}}
                for n, area in enumerate(self.areas)
            ],
        }

    def digest(self) -> str:
        """Changes when anything people see or tap changes: known without drawing."""
        shown = [label_of(self.language, area, _room(n))[0] for n, area in enumerate(self.areas)]
        told = json.dumps([LOOK, self.colour, shown, self.as_json()], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()[:40]


def _bounds(n: int) -> dict[str, int]:
    row, column = divmod(n, COLUMNS)
    width = WIDTH - CELL_WIDTH * (COLUMNS - 1) if column == COLUMNS - 1 else CELL_WIDTH
    return {"x": column * CELL_WIDTH, "y": row * CELL_HEIGHT, "width": width, "height": CELL_HEIGHT}


def _room(n: int) -> int:
    return _bounds(n)["width"] - MARGIN


def draw(menu: Menu) -> bytes:
    """The picture as PNG, well under LINE's 1 MB. The first area, the card, carries the brand's colour."""
    brand = parse(menu.colour)
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(picture)
    _shade(picture, _bounds(0), brand)
    _hairlines(pen)
    for n, area in enumerate(menu.areas):
        _area(picture, pen, menu.language, area, _bounds(n), accent=n == 0, brand=brand)
    held = io.BytesIO()
    picture.save(held, "PNG")
    return held.getvalue()


def _shade(picture: Image.Image, bounds: dict[str, int], brand: Rgb) -> None:
    """A quiet gradient from the brand's colour to a little darker."""
    end = mix(brand, (0, 0, 0), 0.22)
    column = Image.new("RGB", (1, bounds["height"]))
    for y in range(bounds["height"]):
        column.putpixel((0, y), mix(brand, end, y / bounds["height"]))
    picture.paste(column.resize((bounds["width"], bounds["height"])), (bounds["x"], bounds["y"]))


def _hairlines(pen: ImageDraw.ImageDraw) -> None:
    inset = 96
    for column in range(1, COLUMNS):
        x = column * CELL_WIDTH
        for row in range(ROWS):
            if (row, column) != (0, 1):  # the coloured area needs no line beside it
                pen.line([(x, row * CELL_HEIGHT + inset), (x, (row + 1) * CELL_HEIGHT - inset)], fill=HAIRLINE, width=4)
    for column in range(1, COLUMNS):
        left = column * CELL_WIDTH
        pen.line([(left + inset, CELL_HEIGHT), (left + CELL_WIDTH - inset, CELL_HEIGHT)], fill=HAIRLINE, width=4)


def _area(
    picture: Image.Image,
    pen: ImageDraw.ImageDraw,
    language: str,
    area: Area,
    bounds: dict[str, int],
    *,
    accent: bool,
    brand: Rgb,
) -> None:
    colour = WHITE if accent and is_dark(brand) else readable(brand) if not accent else INK
    middle = bounds["x"] + bounds["width"] // 2
    top = bounds["y"] + (bounds["height"] - ICON_SIZE - LABEL_SIZE - 72) // 2
    mask = icon(area.key, ICON_SIZE)
    picture.paste(colour, (middle - ICON_SIZE // 2, top), mask)
    words, font = label_of(language, area, bounds["width"] - MARGIN)
    ink = WHITE if accent and is_dark(brand) else INK
    pen.text((middle, top + ICON_SIZE + 72 + LABEL_SIZE // 2), words, font=font, fill=ink, anchor="mm")


def label_of(language: str, area: Area, room: int) -> tuple[str, Font]:
    """The label and the largest font it fits in; in English where this machine cannot write the language."""
    words = area.label if font_for(language, area.label, LABEL_SIZE) else area.english
    for size in range(LABEL_SIZE, SMALLEST_LABEL - 1, -6):
        font = font_for(language, words, size) or font_for("en", words, size) or plain_font(size)
        if font.getlength(words) <= room:
            break
    return words, font


def parse(colour: str) -> Rgb:
    """From `#2f4b3c`; anything else is a calm green."""
    found = re.fullmatch(r"#?([0-9a-fA-F]{6})", colour.strip())
    digits = found[1] if found else "2f4b3c"
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`one` with `share` of `other` in it."""
    parts = [round(a + (b - a) * share) for a, b in zip(one, other, strict=True)]
    return parts[0], parts[1], parts[2]


def luminance(colour: Rgb) -> float:
    """As WCAG counts it, 0 to 1."""
    parts = [each / 255 for each in colour]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def is_dark(colour: Rgb) -> bool:
    """Whether white is easier to read on it than black."""
    return luminance(colour) < 0.3


def readable(colour: Rgb) -> Rgb:
    """The colour, darkened until it can be told from paper (3:1, as for drawings)."""
    while (luminance(PAPER) + 0.05) / (luminance(colour) + 0.05) < 3:
        colour = mix(colour, (0, 0, 0), 0.1)
    return colour
