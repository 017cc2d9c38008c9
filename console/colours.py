"""The brand's colour as a small stylesheet, with inks that can be read on it."""

import re
from typing import NamedTuple

READABLE = 4.5  # WCAG AA for text


class Rgb(NamedTuple):
    red: int
    green: int
    blue: int

    @classmethod
    def parse(cls, text: str) -> "Rgb":
        """From `#2f4b3c`; a quiet grey for what is not a colour, since a page must not fail over one."""
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
            return cls(64, 64, 64)
        return cls(int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))

    @property
    def luminance(self) -> float:
        parts = [part / 255 for part in self]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def mixed(self, other: "Rgb", share: float) -> "Rgb":
        """This colour with `share` of another in it."""
        return Rgb(*(round(own + (theirs - own) * share) for own, theirs in zip(self, other, strict=True)))

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


WHITE, BLACK = Rgb(255, 255, 255), Rgb(0, 0, 0)


def contrast(one: Rgb, other: Rgb) -> float:
    lighter, darker = sorted((one.luminance, other.luminance), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(ground: Rgb, colour: Rgb) -> Rgb:
    """`colour`, darkened only as far as text of it can be read on a light `ground`."""
    steps = (colour.mixed(BLACK, step / 20) for step in range(21))
    return next((shade for shade in steps if contrast(ground, shade) >= READABLE), BLACK)


def brand_stylesheet(colour: str) -> str:
    """The custom properties the console's stylesheet builds on."""
    accent = Rgb.parse(colour)
    soft = accent.mixed(WHITE, 0.92)
    names = {
        "--accent": readable_on(WHITE, accent),  # buttons: white words on it
        "--accent-text": readable_on(soft, accent),  # links, on white and on the soft ground
        "--accent-soft": soft,
        "--accent-line": accent.mixed(WHITE, 0.6),
    }
    return ":root{" + "".join(f"{name}:{value};" for name, value in names.items()) + "}\n"
