"""The six drawings of the rich menu: one stroke width, round ends, drawn large and scaled down for smooth edges."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

GRID = 48  # icons are drawn on a square of this many units
SCALE = 24  # pixels a unit while drawing
STROKE = 2.0


@dataclass(frozen=True)
class Pen:
    """Draws in units of the grid."""

    draw: ImageDraw.ImageDraw

    def line(self, *points: tuple[float, float], width: float = STROKE) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self.draw.line(scaled, fill=255, width=round(width * SCALE), joint="curve")
        for x, y in (points[0], points[-1]):
            self.dot(x, y, width / 2)

    def dot(self, x: float, y: float, radius: float) -> None:
        self.draw.ellipse(
            [(x - radius) * SCALE, (y - radius) * SCALE, (x + radius) * SCALE, (y + radius) * SCALE], fill=255
        )

    def box(self, left: float, top: float, right: float, bottom: float, radius: float) -> None:
        self.draw.rounded_rectangle(
            [left * SCALE, top * SCALE, right * SCALE, bottom * SCALE],
            radius * SCALE, outline=255, width=round(STROKE * SCALE),
        )  # fmt: skip

    def arc(self, x: float, y: float, radius: float, start: float, end: float) -> None:
        self.draw.arc(
            [(x - radius) * SCALE, (y - radius) * SCALE, (x + radius) * SCALE, (y + radius) * SCALE],
            start, end, fill=255, width=round(STROKE * SCALE),
        )  # fmt: skip


def _card(pen: Pen) -> None:
    pen.box(5, 11, 43, 37, 4)
    pen.line((6, 19), (42, 19))
    pen.line((11, 30), (20, 30))
    pen.dot(36, 30, 2)


def _calendar(pen: Pen) -> None:
    pen.box(7, 10, 41, 41, 4)
    pen.line((8, 19), (40, 19))
    pen.line((16, 6), (16, 13))
    pen.line((32, 6), (32, 13))
    pen.line((17, 30), (22, 35), (31, 25))


def _ticket(pen: Pen) -> None:
    pen.line((8, 13), (40, 13))
    pen.line((8, 35), (40, 35))
    for x, turn in ((6, (270, 90)), (42, (90, 270))):
        pen.line((x, 14), (x, 19))
        pen.line((x, 29), (x, 34))
        pen.arc(x, 24, 6, *turn)
    pen.line((6, 14), (8, 13))
    pen.line((6, 34), (8, 35))
    pen.line((42, 14), (40, 13))
    pen.line((42, 34), (40, 35))
    for y in (18, 24, 30):
        pen.dot(29, y, 1.2)


def _steps(pen: Pen) -> None:
    pen.line((6, 40), (15, 40), (15, 31), (24, 31), (24, 22), (33, 22), (33, 13), (42, 13))
    pen.line((8, 22), (18, 12))
    pen.line((11, 12), (18, 12), (18, 19))


def _news(pen: Pen) -> None:
    pen.box(6, 9, 36, 40, 4)
    pen.line((36, 18), (42, 18), (42, 36))
    pen.arc(38, 36, 4.9, 0, 95)
    pen.box(12, 16, 21, 25, 1)
    for y in (17, 24):
        pen.line((26, y), (30, y))
    pen.line((13, 31), (30, 31))


def _speech(pen: Pen) -> None:
    pen.line((14, 36), (8, 42), (8, 14))
    pen.arc(13, 14, 5.9, 180, 270)
    pen.line((13, 9), (36, 9))
    pen.arc(36, 14, 5.9, 270, 0)
    pen.line((41, 14), (41, 31))
    pen.arc(36, 31, 5.9, 0, 90)
    pen.line((36, 36), (14, 36))
    for x in (17, 24.5, 32):
        pen.dot(x, 22.5, 1.9)


ICONS: dict[str, Callable[[Pen], None]] = {
    "card": _card,
    "book": _calendar,
    "coupons": _ticket,
    "tier": _steps,
    "news": _news,
    "contact": _speech,
}


def icon(name: str, size: int) -> Image.Image:
    """A mask of the drawing, `size` pixels square: paste a colour through it."""
    large = Image.new("L", (GRID * SCALE, GRID * SCALE), 0)
    ICONS[name](Pen(ImageDraw.Draw(large)))
    return large.resize((size, size), Image.Resampling.LANCZOS)
