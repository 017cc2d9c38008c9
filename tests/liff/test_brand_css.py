"""Whatever colour a brand has, the words on it can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liff import brand_css

parts = st.integers(0, 255)


@given(st.tuples(parts, parts, parts))
def test_text_on_the_card_and_the_button_is_readable(colour: tuple[int, int, int]) -> None:
    start, end = brand_css.card_colours(colour)
    text = brand_css.text_on(start, end)
    assert min(brand_css.contrast(text, start), brand_css.contrast(text, end)) >= brand_css.READABLE
    button = brand_css.darken_until_readable(colour, brand_css.WHITE)
    assert brand_css.contrast(button, brand_css.WHITE) >= brand_css.READABLE


@pytest.mark.parametrize("colour", ["#2f4b3c", "ffffff", "#FF0000", "not a colour", "#123; } body { x"])
def test_the_stylesheet_holds_colours_and_nothing_else(colour: str) -> None:
    css = brand_css.style(colour)
    assert css.count("{") == css.count("}") == 3
    assert "body" not in css
