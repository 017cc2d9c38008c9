"""The rich menu's picture is what LINE takes, can be read, and has its six areas where the fingers are."""

import io

import pytest
from PIL import Image

from line import fonts
from line.rich_menu import HEIGHT, PAPER, WIDTH, Area, Menu, draw, label_of, luminance, readable

KEYS = ("card", "book", "coupons", "tier", "news", "contact")


def menu(language: str = "en", colour: str = "#2f4b3c", label: str = "Card") -> Menu:
    areas = tuple(Area(key, label, "Card", f"https://liff.line.me/1-a/{key}") for key in KEYS)
    return Menu(language, "Regulars", "Menu", colour, areas)


def test_the_picture_has_lines_size_and_weight() -> None:
    picture = draw(menu())
    assert len(picture) < 1024 * 1024
    assert Image.open(io.BytesIO(picture)).size == (WIDTH, HEIGHT)


def test_the_areas_cover_the_picture_and_do_not_overlap() -> None:
    bounds = [each["bounds"] for each in menu().as_json()["areas"]]
    assert sum(each["width"] * each["height"] for each in bounds) == WIDTH * HEIGHT
    assert len({(each["x"], each["y"]) for each in bounds}) == 6


def test_a_change_that_people_see_or_tap_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    first = menu().digest()
    assert menu().digest() == first
    assert menu(colour="#7a2331").digest() != first
    assert menu(label="Pass").digest() != first
    monkeypatch.setattr(fonts, "_files", dict)
    assert menu("th", label="บัตร").digest() != menu("th", label="บัตร", colour="#000000").digest()


def test_a_language_this_machine_cannot_write_is_written_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_files", dict)
    words, font = label_of("th", Area("card", "บัตรสมาชิก", "Card", ""), 700)
    assert words == "Card"
    assert font.getlength(words) > 0


def test_a_letter_the_font_lacks_is_noticed() -> None:
    font = fonts.font_for("en", "Card", 40)
    if font is None:
        pytest.skip("no font on this machine but Pillow's own")
    assert fonts.font_for("en", "Card \U0010fffd", 40) is None


@pytest.mark.parametrize("colour", [(246, 226, 122), (255, 255, 255), (47, 75, 60)])
def test_drawings_can_be_told_from_the_paper(colour: tuple[int, int, int]) -> None:
    assert (luminance(PAPER) + 0.05) / (luminance(readable(colour)) + 0.05) >= 3
