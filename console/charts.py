"""Charts as SVG pictures, drawn by us: one idea each, labelled where it is, never without its table beside it."""

import unicodedata
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
ALONE = 0.12  # of a month: half the width of a band over one month alone
# Over pygal's own stylesheet, whose rules name the chart's id and so win without !important.
QUIETER = (
    ".axis .guide.line{stroke-dasharray:none!important;stroke:#e2e4e6!important}"
    ".axis .guides .line{stroke:#c4c8cb!important}.axis.x .guides .line{stroke:none!important}"
    ".text-overlay text.label{fill:#1c1f21!important;font-weight:600;transform:translate(6px,-14px)}"
)


def month_line(months: Sequence[tuple[str, Figure | None]], *, exact: bool, colour: str) -> bytes:
    """A share over months: the interval as a band, the last point labelled. Months without a figure are gaps."""
    values = [_percent(figure, exact) for _, figure in months]
    highs, lows = _band(months, exact)
    top = max([value for value in (*values, *highs) if value is not None], default=0)
    band, line = (str(shade) for shade in _shades(colour))
    series: list[tuple[list[Any], str, bool]] = []
    for run in _runs(values) if not exact else []:
        # The band is what is filled up to its upper end, less what is filled again up to its lower.
        series += [(_edge(highs, run), band, True), (_edge(lows, run), "#ffffff", True)]
    series += [(_points(values, run), line, False) for run in _runs(values)] or [([(None, None)], line, False)]
    config = _config(next((each for each in SCALES if top <= each), 100), [shade for _, shade, _ in series])
    chart = pygal.XY(**config)
    # Every third month is named, ending with the last: more would not be readable on a phone.
    chart.x_labels = [{"value": place, "label": months[place][0]} for place in range(len(months) - 1, -1, -3)][::-1]
    for points, _, filled in series:
        chart.add("", points, fill=filled, show_dots=not filled)
    drawn: bytes = chart.render()
    return drawn


def _runs(values: Sequence[float | None]) -> list[range]:
    """The stretches of months without a gap."""
    runs: list[range] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1].stop == place:
            runs[-1] = range(runs[-1].start, place + 1)
        else:
            runs.append(range(place, place + 1))
    return runs


def _edge(values: Sequence[float | None], run: range) -> list[tuple[float, float | None]]:
    """An end of the interval along a stretch; a lone month gets a little width, to be seen."""
    if len(run) > 1:
        return [(place, values[place]) for place in run]
    return [(run.start - ALONE, values[run.start]), (run.start + ALONE, values[run.start])]


def _points(values: Sequence[float | None], run: range) -> list[dict[str, Any]]:
    """The line along a stretch; the last point of all says its value."""
    last = max(place for place, value in enumerate(values) if value is not None)
    labels = {last: f"{values[last]:.0f}%"}
    return [{"value": (place, values[place]), "label": labels.get(place)} for place in run]


def _shades(colour: str) -> tuple[Rgb, Rgb]:
    """The band's colour and the line's."""
    ink = readable_on(WHITE, Rgb.parse(colour))
    return ink.mixed(WHITE, 0.82), ink


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


def _config(top: int, shades: Sequence[str]) -> dict[str, Any]:
    style = Style(
        background="transparent", plot_background="transparent", font_family=FONT,
        foreground="#565c61", foreground_strong="#565c61", foreground_subtle="#e2e4e6",
        colors=tuple(shades) or ("#565c61",), opacity="1", opacity_hover="1", stroke_width="3", stroke_opacity="1",
        label_font_size=20, major_label_font_size=20, value_label_font_size=24, no_data_font_size=20,
    )  # fmt: skip
    return {
        "style": style, "css": ["file://style.css", "file://graph.css", f"inline:{QUIETER}"], "js": [],
        "width": 600, "height": 200, "margin": 6, "margin_top": 22, "margin_right": 88, "spacing": 8,
        "show_legend": False, "show_x_guides": False, "show_y_guides": True, "no_data_text": "",
        "range": (0, top), "xrange": (0, 11), "y_labels": [0, top / 2, top],
        "value_formatter": lambda value: f"{value:g}%",
        "print_labels": True, "print_values": False, "truncate_label": -1, "dots_size": 3,
    }  # fmt: skip


def bars(figures: Sequence[tuple[str, float, str]], *, colour: str) -> bytes:
    """A few figures of one unit, from nought, each with what it says before its bar: (name, value, words)."""
    _, ink = _shades(colour)
    top = max((value for _, value, _ in figures), default=0) or 1
    config = {**_config(100, [str(ink)]), **_BARS, "height": 24 + 36 * len(figures), "range": (0, top)}
    names = [f"{_short(name)}   {words}" for name, _, words in figures]
    config["margin_left"] = 6 + round(max((_wide(name) for name in names), default=0) * 20 * 0.45)
    chart = pygal.HorizontalBar(**config)
    # Bars are drawn from below.
    chart.x_labels = names[::-1]
    chart.add("", [max(0, value) for _, value, _ in figures][::-1])
    drawn: bytes = chart.render()
    return drawn


def _short(name: str) -> str:
    """The beginning of a long name; a Han letter is as wide as two others."""
    while len(name) + _wide(name) > LONGEST_NAME:
        name = f"{name.removesuffix('…')[:-1]}…"
    return name


def _wide(name: str) -> int:
    """How many of its letters take a whole square, which pygal leaves too little room for."""
    return sum(unicodedata.east_asian_width(each) in "WF" for each in name)


LONGEST_NAME = 30
_BARS: dict[str, Any] = {
    "y_labels": [0], "show_x_labels": False, "xrange": None, "show_y_guides": False, "print_labels": False,
    "margin_top": 4, "margin_right": 8, "spacing": 6, "width": 720, "value_formatter": lambda value: f"{value:g}",
}  # fmt: skip
