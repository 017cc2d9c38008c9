"""The brand's colour as a stylesheet: a quiet gradient for the card, and text that can be read on it."""

import hashlib
import re

WHITE, INK = (255, 255, 255), (23, 23, 23)
FALLBACK = "#2f4b3c"
READABLE = 4.5  # contrast of text, WCAG AA

Rgb = tuple[int, int, int]


def style(colour: str) -> str:
    """Custom properties for light and dark pages."""
    base = parse(colour)
    start, end = card_colours(base)
    light = {
        "--brand": to_hex(darken_until_readable(base, WHITE)),
        "--on-brand": "#ffffff",
        "--card-from": to_hex(start),
        "--card-to": to_hex(end),
        "--on-card": to_hex(text_on(start, end)),
        "--brand-soft": to_hex(mix(base, WHITE, 0.92)),
    }
    dark = {
        "--brand": to_hex(lighten_until_readable(base, (28, 28, 30))),
        "--on-brand": "#111111",
        "--brand-soft": to_hex(mix(base, (28, 28, 30), 0.75)),
    }
    return f":root{{{_lines(light)}}}\n@media (prefers-color-scheme: dark){{:root{{{_lines(dark)}}}}}\n"


def digest(colour: str) -> str:
    return hashlib.sha256(colour.encode()).hexdigest()[:8]


def parse(colour: str) -> Rgb:
    found = re.fullmatch(r"#?([0-9a-fA-F]{6})", colour.strip())
    digits = found.group(1) if found else FALLBACK[1:]
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def to_hex(colour: Rgb) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`one` with `share` of `other` in it."""
    a, b, c = (round(x + (y - x) * share) for x, y in zip(one, other, strict=True))
    return a, b, c


def contrast(one: Rgb, other: Rgb) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def text_on(*colours: Rgb) -> Rgb:
    """White or ink, whichever reads better on the worst of `colours`."""
    return max((WHITE, INK), key=lambda text: min(contrast(text, colour) for colour in colours))


def card_colours(base: Rgb) -> tuple[Rgb, Rgb]:
    """The two ends of the card's gradient: both dark enough, or both light enough, for one text colour."""
    start, end = mix(base, WHITE, 0.10), mix(base, (0, 0, 0), 0.22)
    text = text_on(start, end)
    for _ in range(20):
        if min(contrast(text, start), contrast(text, end)) >= READABLE:
            break
        away = (0, 0, 0) if text == WHITE else WHITE
        start, end = mix(start, away, 0.08), mix(end, away, 0.08)
    return start, end


def darken_until_readable(colour: Rgb, against: Rgb) -> Rgb:
    return _until_readable(colour, against, (0, 0, 0))


def lighten_until_readable(colour: Rgb, against: Rgb) -> Rgb:
    return _until_readable(colour, against, WHITE)


def _until_readable(colour: Rgb, against: Rgb, towards: Rgb) -> Rgb:
    for _ in range(40):
        if contrast(colour, against) >= READABLE:
            break
        colour = mix(colour, towards, 0.06)
    return colour


def _luminance(colour: Rgb) -> float:
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _lines(properties: dict[str, str]) -> str:
    return ";".join(f"{name}:{value}" for name, value in properties.items())
