"""The words a page's modules need, in the person's language: gathered from `_("…")` and `_n("…", "…", n)` in them."""

import re
from functools import lru_cache
from pathlib import Path

from domain.wording import catalogue

STATIC = Path(__file__).parent / "static"
STRING = r'"((?:[^"\\]|\\.)*)"'
IMPORTED = re.compile(r'(?:from|import)\s+"\./([\w./-]+\.js)"')
SINGLE = re.compile(r"\b_\(\s*" + STRING)
PLURAL = re.compile(r"\b_n\(\s*" + STRING + r"\s*,\s*" + STRING)


@lru_cache
def modules_of(script: str) -> tuple[str, ...]:
    """`script` and every module it imports, itself last."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        for imported in IMPORTED.findall(_text(name)):
            if imported not in found:
                visit(imported)
        found.setdefault(name)

    visit(script)
    return tuple(found)


@lru_cache
def words_of(script: str, language: str) -> dict[str, str | list[str]]:
    """What `script` says: each English msgid with its translation; plurals, by their singular, as [one, many]."""
    words: dict[str, str | list[str]] = {}
    for name in modules_of(script):
        for message in SINGLE.findall(_text(name)):
            words[message] = catalogue(language).gettext(message)
        for one, many in PLURAL.findall(_text(name)):
            words[one] = [catalogue(language).ngettext(one, many, n) for n in (1, 2)]
    return words


@lru_cache
def _text(name: str) -> str:
    return (STATIC / name).read_text("utf-8")
