"""Keeps the catalogues complete: what people read, collected from the source, against what is translated.

    python -m tests.support.translations            says what is missing or no longer used; fails if anything is
    python -m tests.support.translations --update   writes new messages into the catalogues, untranslated

Messages are the English text in `_("…")`, `words("…")`, `say(language, "…")`, `say_many`, `mark("…")`, in
templates and scripts alike; what metrics and conditions say of themselves; and what events mean.
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
from domain.metrics import all_metrics, rates
from domain.reports.told import all_pages
from domain.rules import conditions
from domain.wording import CATALOGUES, LOCALES
from liff.words import PLURAL, SINGLE

ROOT = Path(__file__).parents[2]
DOORS = ("bot", "liff", "console", "api", "jobs", "domain")
PLURALS = {"say_many", "many"}
SAYING = {"_", "mark", "say", "speaker", "words", *PLURALS}
HEADER_DATES = re.compile(
    r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Language-Team).*\n', re.M
)
ABOUT = "# What people read, in their language. The English text is the key."
FIELD = re.compile(r"%\((\w+)\)[sd]")

Said = str | tuple[str, str]


def collected() -> dict[Said, str]:
    """Every message and the first place it stands in."""
    found: dict[Said, str] = {}
    shared = sorted(ROOT.glob("door*.py"))
    for path in [*shared, *(path for door in DOORS for path in sorted((ROOT / door).rglob("*")))]:
        for said in _in_file(path):
            found.setdefault(said, str(path.relative_to(ROOT)))
    for kind in KINDS.values():
        found.setdefault(kind.means, "domain/events.py")
    for metric in (*all_metrics().values(), *rates().values()):
        found.setdefault(metric.definition, f"domain/metrics/{metric.key}")
    for page in all_pages().values():
        found.setdefault(page.about, f"domain/reports/told/{page.key}.py")
    for condition in conditions().values():
        found.setdefault(condition.title, f"domain/rules/{condition.name}.py")
        if condition.about:
            found.setdefault(condition.about, f"domain/rules/{condition.name}.py")
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
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in SAYING:
            texts = [text for argument in node.args for text in _texts(argument) if text not in LOCALES]
            many = _name(node.func) in PLURALS
            if many and len(texts) >= 2:
                yield texts[0], texts[1]
            elif not many:
                yield from texts if any(isinstance(each, ast.IfExp) for each in node.args) else texts[:1]


def _texts(argument: ast.expr) -> Iterator[str]:
    """The text an argument may be: itself, or either side of a choice."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.IfExp):
        yield from _texts(argument.body)
        yield from _texts(argument.orelse)


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
        return Catalog(locale=LOCALES[language], fuzzy=False, header_comment=ABOUT)
    with path.open("rb") as source:
        return read_po(source, locale=LOCALES[language])


def update(language: str) -> None:
    """Adds what is new, drops what is no longer said, keeps every translation there is."""
    old, new = read(language), Catalog(locale=LOCALES[language], fuzzy=False, header_comment=ABOUT)
    for said, place in sorted(collected().items(), key=lambda item: (item[1], str(item[0]))):
        known = old.get(said if isinstance(said, str) else said[0])
        new.add(said, string=known.string if known else None, locations=[(place, None)])
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        write_po(target, new, width=0, omit_header=False, sort_by_file=False, include_lineno=False)
    # Dates in the header would change the file without a change of words.
    path.write_text(HEADER_DATES.sub("", path.read_text("utf-8")), "utf-8")


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
