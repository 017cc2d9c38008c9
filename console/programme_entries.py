"""One thing of the programme as text: a tag, a coupon, a mission, an automation, changed without a shell.

What is typed replaces that one thing in the programme as it stands, and is checked, compared and applied as a
whole file would be.
"""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

import door
from console import roles
from console.programme import put
from console.programme_words import advice_words, change_words, entry_name, section_words
from domain.errors import Invalid, NotAllowed, NotFound, Refusal
from domain.operations import programme
from domain.wording import mark

blueprint = Blueprint("programme_entries", __name__, url_prefix="/programme/entries")

# What only the owner changes: how the brand looks and speaks, what tiers take, what points are worth.
OWNERS = ("brand", "points", "tiers")
NEW = "new"


@blueprint.get("/<section>/<key>")
@roles.needs("marketer")
def show(section: str, key: str) -> str:
    """The thing as text; `new` is an empty one to fill in, and of what stands once the key is the section."""
    _check(section)
    item = _item(programme.export(door.session()), section, key)
    return _page(section, key, programme.skeleton(section) if item is None else programme.write_text(item))


@blueprint.post("/<section>/<key>/diff")
@roles.needs("marketer")
def compare(section: str, key: str) -> Any:
    """What it would change, and for whom; nothing is written yet."""
    try:
        wanted = _wanted(section, key)
    except Refusal as refusal:
        return _again(section, key, refusal)
    touched = programme.touches(door.session(), wanted, now=door.now())
    return _page(section, key, _text(), changes=change_words(touched), advice=advice_words(wanted))


@blueprint.post("/<section>/<key>/apply")
@roles.needs("marketer")
def apply(section: str, key: str) -> Any:
    try:
        said = put(_wanted(section, key), data={"section": section, "key": key})
    except Refusal as refusal:
        return _again(section, key, refusal)
    flash(said, "done")
    return redirect(url_for("console.programme.page"), 303)


def _check(section: str) -> None:
    if section not in programme.LISTED and section not in programme.SINGLE:
        raise NotFound(mark("The programme has no such section. Choose one from the list."))
    if section in OWNERS and not roles.may("owner"):
        raise NotAllowed(mark("Only the owner changes this part of the programme. Ask the owner."))


def _wanted(section: str, key: str) -> programme.Programme:
    """The programme as it stands, with what was typed in place of the one thing; without it, when told to remove."""
    _check(section)
    document = programme.export(door.session())
    if section in programme.SINGLE:
        return programme.read({**document, section: _typed()})
    items = [item for item in document.get(section, []) if item["key"] != key]
    if len(items) == len(document.get(section, [])) and key != NEW:
        raise NotFound(mark("There is no such thing in the programme any more. Look at the list again."))
    if request.form.get("do") != "remove":
        at = next((n for n, item in enumerate(document.get(section, [])) if item["key"] == key), len(items))
        items.insert(at, _typed())
    return programme.read({**document, section: items})


def _typed() -> dict[str, Any]:
    typed = programme.parse(_text())
    if not isinstance(typed, dict):
        raise Invalid(mark("Nothing was applied: write one thing, each line a word, a colon and its value."))
    return typed


def _item(document: dict[str, Any], section: str, key: str) -> dict[str, Any] | None:
    """The thing as it stands; None for a new one. Raises NotFound."""
    if section in programme.SINGLE:
        return document.get(section) or None
    found = next((item for item in document.get(section, []) if item["key"] == key), None)
    if found is None and key != NEW:
        raise NotFound(mark("There is no such thing in the programme any more. Look at the list again."))
    return found


def _page(section: str, key: str, text: str, *, changes: Any = None, advice: Any = ()) -> str:
    item = None if key == NEW else _item(programme.export(door.session()), section, key)
    return render_template(
        "console/programme_entry.html", section=section, key=key, text=text, changes=changes, advice=advice,
        words=section_words(section), called=entry_name(item) if item else "", is_new=item is None,
        may_remove=item is not None and section in programme.LISTED, removing=request.form.get("do") == "remove",
    )  # fmt: skip


def _again(section: str, key: str, refusal: Refusal) -> tuple[str, int]:
    """The page with what was typed still on it, and what is wrong above."""
    flash(door.words(refusal.message, **refusal.values), "refused")
    return _page(section, key, _text()), refusal.status


def _text() -> str:
    return request.form.get("text", "")
