"""What changes in a programme, in the words of whoever looks: sections, fields, values, people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import door
from domain.operations import programme
from domain.rules import Names, names_of, sentence
from domain.wording import LANGUAGES, mark, pick

SECTIONS = {
    "brand": mark("Brand"),
    "points": mark("Points"),
    "stores": mark("Stores"),
    "tiers": mark("Tiers"),
    "tags": mark("Tags"),
    "segments": mark("Segments"),
    "coupons": mark("Coupons"),
    "forms": mark("Forms and surveys"),
    "keyword_answers": mark("Answers to words"),
    "entry_sources": mark("Entry sources"),
    "missions": mark("Missions"),
    "draws": mark("Draws"),
    "automations": mark("Automations"),
}
WHAT = {
    "add": mark("new"),
    "change": mark("changed"),
    "retire": mark("goes"),
    "keep": mark("stays, though no longer in the file"),
}
LONGEST = 120


@dataclass(frozen=True)
class ChangeWords:
    """One change: what happens to which thing, field by field, and whom it concerns."""

    what: str
    section: str
    key: str
    place: str
    fields: list[tuple[str, str, str]]
    people: list[str]


def section_words(section: str) -> str:
    """What a section of the file is called; one nobody has named yet by its own word."""
    return door.words(SECTIONS[section]) if section in SECTIONS else section.replace("_", " ")


def change_words(touched: Sequence[tuple[programme.Change, Sequence[Any]]]) -> list[ChangeWords]:
    """Each change of `programme.touches`, in words."""
    names = names_of(door.session(), door.language())
    return [
        ChangeWords(
            what=door.words(WHAT[change.what]),
            section=section_words(change.section),
            key=change.key,
            place=f"{change.section}.{change.key}",
            fields=[(name, _value(old, names), _value(new, names)) for name, (old, new) in change.fields.items()],
            people=[door.words(touch.words, **touch.values) for touch in touches],
        )
        for change, touches in touched
    ]


def advice_words(wanted: programme.Programme) -> list[str]:
    """What is worth a second thought."""
    return [door.words(each.words, **each.values) for each in programme.advice(door.session(), wanted)]


def entry_name(item: dict[str, Any]) -> str:
    """What one thing of the file is called: its name or title, else its key."""
    called = item.get("name") or item.get("title") or ""
    return (pick(called, door.language()) if isinstance(called, dict) else str(called)) or str(item.get("key", ""))


def _value(value: Any, names: Names) -> str:
    text = _text(value, names)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _text(value: Any, names: Names) -> str:
    if value is None or value in ({}, []):
        return "–"
    if isinstance(value, bool):
        return door.words("yes") if value else door.words("no")
    if isinstance(value, Decimal):
        return f"{value.normalize():,f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, dict) and set(value) <= set(LANGUAGES):
        return str(pick(value, door.language()))
    if isinstance(value, dict) and {"condition", "all", "any", "not"} & set(value):
        return sentence(value, door.language(), names)
    return programme.write_text(value).strip().replace("\n", " ") if isinstance(value, dict | list) else str(value)
