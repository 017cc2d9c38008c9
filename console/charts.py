"""Charts as SVG pictures, drawn by us: one idea each, labelled where it is, never without its table beside it."""

from collections.abc import Sequence
from typing import Any

import pygal
from pygal.style import Style

from console.colours import WHITE, Rgb, readable_on
from domain.metrics._shape import Figure
from domain.reports.judging import interval, strength

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK TC', sans-serif"
# The same few scales everywhere, so that lines of different months can be compared by eye.
SCALES = (25, 50, 100)


def month_line(months: Sequence[tuple[str, Figure | None]], *, exact: bool, colour: str) -> bytes:
    """A share over months: the interval as a band, the last point labelled. Months without a figure are gaps."""
    values = [_percent(figure, exact) for _, figure in months]
    highs, lows = _band(months, exact)
    top = max([value for value in (*values, *highs) if value is not None], default=0)
    chart = pygal.Line(**_config(colour, next((each for each in SCALES if top <= each), 100)))
    chart.x_labels = [name for name, _ in months]
    if any(high is not None for high in highs):
        chart.add("", highs, fill=True, stroke=False, show_dots=False)
        chart.add("", lows, fill=True, stroke=False, show_dots=False)
    else:
        chart.add("", [])
        chart.add("", [])
    chart.add("", _labelled(values), stroke_style={"width": 2.5, "linecap": "round"}, dots_size=2.5)
    drawn: bytes = chart.render()
    return drawn


def _percent(figure: Figure | None, exact: bool) -> float | None:
    if figure is None or strength(figure, exact=exact) in {"none", "few"}:
        return None
    return figure.who / figure.of * 100


def _band(months: Sequence[tuple[str, Figure | None]], exact: bool) -> tuple[list[float | None], list[float | None]]:
    """The upper and the lower ends of the intervals; None where there is none to draw."""
    drawn = [
        interval(figure, exact=exact) if figure and _percent(figure, exact) is not None else None
        for _, figure in months
    ]
    return [each.high * 100 if each else None for each in drawn], [each.low * 100 if each else None for each in drawn]


def _labelled(values: list[float | None]) -> list[Any]:
    """The points, with the last of them saying its value."""
    last = max((place for place, value in enumerate(values) if value is not None), default=-1)
    return [
        {"value": value, "label": f"{value:.0f}%"} if place == last else value for place, value in enumerate(values)
    ]


def _config(colour: str, top: int) -> dict[str, Any]:
    ink = Rgb.parse(colour)
    style = Style(
        background="transparent", plot_background="transparent", font_family=FONT,
        foreground="#565c61", foreground_strong="#1c1f21", foreground_subtle="#d9dcde",
        colors=(str(ink.mixed(WHITE, 0.82)), "#ffffff", str(readable_on(WHITE, ink))),
        opacity="1", opacity_hover="1", label_font_size=22, major_label_font_size=22,
        value_label_font_size=26, value_font_size=26, transition="0s",
    )  # fmt: skip
    return {
        "style": style, "js": [], "width": 900, "height": 260, "margin": 8, "margin_right": 84, "spacing": 10,
        "show_legend": False, "show_x_guides": False, "show_y_guides": True, "allow_interruptions": True,
        "range": (0, top), "y_labels": [0, top // 2 if top % 2 == 0 else top / 2, top],
        "value_formatter": lambda value: f"{value:g}%", "print_labels": True, "print_values": False,
        "truncate_label": -1,
    }  # fmt: skip
