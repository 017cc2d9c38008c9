"""What a person is sent is the template with their values, whatever those values are."""

import json

import pytest

from models.substitution import clean, cut, fields_in, fill, utf16

CARD = [
    {"type": "text", "text": "Hello {name}, you are {tier}."},
    {"type": "flex", "altText": "For {name}", "contents": {"type": "button", "label": "{name}", "uri": "{link_1}"}},
]


@pytest.mark.parametrize(
    "name",
    [
        '"},{"type":"text","text":"gotcha"}]',
        "{tier}",
        "{link_1}",
        "\\u0022",
        "小明🍎",
        "%(name)s %s",
        "{{name}}",
        "${name}",
    ],
)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    filled = fill(CARD, {"name": name, "tier": "Gold", "link_1": "https://example.com/t/x"})
    assert filled[0]["text"] == f"Hello {name}, you are Gold."
    assert json.loads(json.dumps(filled)) == filled
    assert len(filled) == 2
    assert filled[1]["contents"]["uri"] == "https://example.com/t/x"


def test_a_missing_value_leaves_no_braces() -> None:
    filled = fill(CARD, {})
    assert filled[0]["text"] == "Hello , you are ."
    assert "{" not in json.dumps([filled[0]["text"], filled[1]["altText"], filled[1]["contents"]["label"]])
    assert filled[1]["contents"]["label"] == "…"


def test_braces_that_are_no_field_are_left_alone() -> None:
    assert fill({"text": "a { b } {} {Name} {1}"}, {"name": "x"}) == {"text": "a { b } {} {Name} {1}"}


def test_what_grows_too_long_is_cut_by_the_units_line_counts() -> None:
    filled = fill(CARD, {"name": "🍎" * 300, "tier": "", "link_1": ""})
    assert utf16(filled[1]["altText"]) <= 400
    assert utf16(filled[1]["contents"]["label"]) <= 20
    filled[1]["altText"].encode("utf-8")


def test_values_lose_line_breaks_and_invisible_characters() -> None:
    assert clean("A\r\nB\u202eC\x00") == "A B C"
    assert len(clean("x" * 500)) == 80


def test_fields_are_found_wherever_they_stand() -> None:
    assert fields_in(CARD) == {"name", "tier", "link_1"}
    assert cut("ab🍎", 3) == "ab…"
