"""The menu: groups of pages, and which line is lit on a page that another one leads to."""

import re
from typing import Any

import pytest

PAGES = (
    ("programme/versions/", "Programme"),
    ("programme/what-if/", "Programme"),
    ("settings/export/", "Settings"),
    ("import/", "Members"),
    ("draws/", "Draws"),
)


@pytest.mark.parametrize(("path", "words"), PAGES)
def test_the_line_a_page_belongs_to_is_lit_alone(desk: Any, add_staff: Any, path: str, words: str) -> None:
    add_staff("owner")
    desk.sign_in("owner")
    menu = desk.get(f"/console/{path}").text.split("</nav>")[0]
    lit = re.findall(r'aria-current="page">(?:\s*<svg.*?</svg><span>)?([^<]+)<', menu, re.DOTALL)
    assert lit == [words]


def test_the_counter_has_three_tabs_and_nothing_below(desk: Any, add_staff: Any) -> None:
    add_staff("store")
    desk.sign_in("store")
    menu = desk.get("/console/scan/").text.split("</nav>")[0]
    assert re.findall(r"<span>([^<]+)</span>", menu) == ["Today", "Scan", "Me"]
    assert menu.count("<ul>") == 1


def test_points_as_text_are_headed_by_what_they_are(desk: Any, add_staff: Any) -> None:
    add_staff("owner")
    desk.sign_in("owner")
    assert "<h1></h1>" not in desk.get("/console/programme/entries/points/points").text
