"""Keeps the catalogues complete: what people read, collected from the source, against what is translated.

    python -m tests.support.translations            says what is missing or no longer used; fails if anything is
    python -m tests.support.translations --update   writes new messages into the catalogues, untranslated

Messages are the English text in `_("…")`, `words("…")`, `say(language, "…")`, `say_many`, `mark("…")`, in
templates and scripts alike; the first paragraph of the docstrings the console shows; and what events mean.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.ext import babel_extract

from domain.events import KINDS
from domain.wording import CATALOGUES, LOCALES
from liff.words import PLURAL, SINGLE

ROOT = Path(__file__).parents[2]
DOORS = ("bot", "liff", "console", "api", "jobs", "domain")
PLURALS = {"say_many", "many"}
SAYING = {"_", "mark", "say", "words", *PLURALS}
# Folders whose files' first paragraph is shown on the console.
SHOWN_DOCSTRINGS = ("domain/metrics", "domain/rules", "domain/triggers")
FIELD = re.compile(r"%\((\w+)\)[sd]")

Said = str | tuple[str, str]


def collected() -> dict[Said, str]:
    """Every message and the first place it stands in."""
    found: dict[Said, str] = {}
    for door in DOORS:
        for path in sorted((ROOT / door).rglob("*")):
            for said in _in_file(path):
                found.setdefault(said, str(path.relative_to(ROOT)))
    for kind in KINDS.values():
        found.setdefault(kind.means, "domain/events.py")
    return found


def _in_file(path: Path) -> Iterator[Said]:
    if path.suffix == ".py":
        yield from _in_python(path)
    elif path.suffix == ".html":
        yield from _in_template(path)
    elif path.suffix == ".js":
        text = path.read_text("utf-8")
        yield from SINGLE.findall(text)
        yield from PLURAL.findall(text)


def _in_python(path: Path) -> Iterator[Said]:
    tree = ast.parse(path.read_text("utf-8"))
    if str(path.parent.relative_to(ROOT)) in SHOWN_DOCSTRINGS and not path.name.startswith("_"):
        yield first_paragraph(ast.get_docstring(tree) or "")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in SAYING:
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            many = _name(node.func) in PLURALS
            if many and len(texts) >= 2:
                yield texts[0], texts[1]
            elif not many and texts:
                yield texts[0]


def first_paragraph(docstring: str) -> str:
    return " ".join(docstring.split("\n\n")[0].split())


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _in_template(path: Path) -> Iterator[Said]:
    options = {"silent": "false", "extensions": ",".join(Environment().extensions)}
    with path.open("rb") as source:
        for _line, function, message, _comments in babel_extract(source, sorted(SAYING), [], options):
            texts = [each for each in (message if isinstance(message, tuple) else (message,)) if each]
            if function in PLURALS and len(texts) >= 2:
                yield texts[0], texts[1]
            elif texts:
                yield texts[0]


def catalogue_path(language: str) -> Path:
    return CATALOGUES / LOCALES[language] / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=LOCALES[language], project="Regulars", charset="utf-8")
    with path.open("rb") as source:
        return read_po(source, locale=LOCALES[language])


def update(language: str) -> None:
    """Adds what is new, drops what is no longer said, keeps every translation there is."""
    old, new = read(language), Catalog(locale=LOCALES[language], project="Regulars", charset="utf-8")
    for said, place in sorted(collected().items(), key=lambda item: (item[1], str(item[0]))):
        known = old.get(said if isinstance(said, str) else said[0])
        new.add(said, string=known.string if known else None, locations=[(place, None)])
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        write_po(target, new, width=0, omit_header=False, sort_by_file=False, include_lineno=False)
    # Dates in the header would change the file without a change of words.
    text = re.sub(r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By):.*\n', "", path.read_text("utf-8"), flags=re.M)
    path.write_text(text, "utf-8")


def faults(language: str) -> Iterator[str]:
    """What is wrong with one catalogue, one line each."""
    catalogue, wanted = read(language), collected()
    known = {message.id: message for message in catalogue if message.id}
    for said in wanted:
        if said not in known:
            yield f"{language}: not in the catalogue: {said!r} ({wanted[said]})"
    for identity, message in known.items():
        if identity not in wanted:
            yield f"{language}: no longer said anywhere: {identity!r}"
        elif fault := _fault(message):
            yield f"{language}: {fault}: {identity!r}"


def _fault(message: Message) -> str:
    translations = [message.string] if isinstance(message.string, str) else list(message.string)
    identities = [message.id] if isinstance(message.id, str) else list(message.id)
    if not all(translations) or message.fuzzy:
        return "not translated"
    fields = {field for text in identities for field in FIELD.findall(text)}
    if any(set(FIELD.findall(text)) - fields for text in translations):
        return "a field that is not there"
    if isinstance(message.id, str) and set(FIELD.findall(translations[0])) != fields:
        return "a field is missing"
    return ""


def main() -> None:
    languages = [language for language in LOCALES if language != "en"]
    if "--update" in sys.argv:
        for language in languages:
            update(language)
    wrong = [fault for language in languages for fault in faults(language)]
    print("\n".join(wrong[:60]))
    if len(wrong) > 60:
        print(f"… and {len(wrong) - 60} more")
    print(f"{len(collected())} messages in {len(languages)} languages besides English: {len(wrong)} faults")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
