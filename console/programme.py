"""Programme: what the brand offers, section by section, and as one file to read, change, compare and apply."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

import door
from console import roles
from console.programme_words import advice_words, change_words, entry_name, section_words
from domain.calendar import calendar_of
from domain.errors import Invalid, Refusal
from domain.operations import programme
from domain.operations.auditing import audit
from domain.wording import mark

blueprint = Blueprint("programme", __name__, url_prefix="/programme")


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    """Every section with what is in it."""
    written = programme.export(door.session())
    sections = [
        (name, section_words(name), [(item["key"], entry_name(item)) for item in written.get(name, [])])
        for name in programme.LISTED
    ]
    return render_template("console/programme.html", written=written, sections=sections)


@blueprint.get("/text")
@roles.needs("owner")
def text() -> str:
    """The whole file, to be changed here."""
    return _file_page(programme.write_text(programme.export(door.session())))


@blueprint.get("/file")
@roles.needs("marketer")
def file() -> Response:
    return Response(
        programme.write_text(programme.export(door.session())),
        mimetype="application/yaml", headers={"Content-Disposition": "attachment; filename=programme.yaml"},
    )  # fmt: skip


@blueprint.post("/diff")
@roles.needs("owner")
def compare() -> Any:
    """What applying the text would change, and for whom; nothing is written yet."""
    try:
        wanted = programme.read_text(_text())
    except Invalid as refusal:
        return _again(refusal)
    touched = programme.touches(door.session(), wanted, now=door.now())
    return _file_page(_text(), changes=change_words(touched), advice=advice_words(wanted))


@blueprint.post("/apply")
@roles.needs("owner")
def apply() -> Any:
    """Applies the text now, or plans it for a day."""
    try:
        said = put(programme.read_text(_text()), data={})
    except Refusal as refusal:
        return _again(refusal)
    flash(said, "done")
    return redirect(url_for("console.programme.page"), 303)


def put(wanted: programme.Programme, *, data: dict[str, Any]) -> str:
    """Applies it, or plans it where the form names a day; commits and returns what to say. `data` goes to the audit."""
    session, now, words = door.session(), door.now(), request.form.get("words", "").strip()[:200]
    day = planned_day()
    if day is None:
        done = programme.apply(session, wanted, by=roles.me().login, words=words, now=now)
        said = door.words("Applied: %(n)s changes.", n=len(done))
        _audited("programme_applied", {"changes": len(done), **data})
    else:
        begins = calendar_of(session).start(day)
        programme.plan(session, wanted, by=roles.me().login, applies_at=begins, words=words, now=now)
        said = door.words("Planned: it is applied when %(day)s begins.", day=day.isoformat())
        _audited("programme_planned", {"from": day.isoformat(), **data})
    session.commit()
    return said


def planned_day() -> date | None:
    """The day the form names; None for now. Raises Invalid."""
    said = request.form.get("day", "").strip()
    if not said:
        return None
    try:
        return datetime.strptime(said, "%Y-%m-%d").date()  # noqa: DTZ007 - a day of the calendar, of no zone
    except ValueError:
        raise Invalid(mark("Nothing was planned: the day must be one such as 2027-03-01.")) from None


def _audited(action: str, data: dict[str, Any]) -> None:
    audit(door.session(), staff_id=roles.me().id, action=action, data=data, now=door.now())


def _file_page(text: str, *, changes: Any = None, advice: Any = ()) -> str:
    return render_template("console/programme_file.html", text=text, changes=changes, advice=advice)


def _again(refusal: Refusal) -> tuple[str, int]:
    """The page with what was typed still on it, and what is wrong above."""
    flash(door.words(refusal.message, **refusal.values), "refused")
    return _file_page(_text()), refusal.status


def _text() -> str:
    return request.form.get("text", "")
