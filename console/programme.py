"""Programme: what the brand offers, as one file to read, change, compare and apply."""

from typing import Any

import yaml
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

import door
from console import roles
from domain.errors import Invalid
from domain.operations import programme
from domain.operations.auditing import audit
from domain.wording import mark

blueprint = Blueprint("programme", __name__, url_prefix="/programme")

LARGEST = 1_000_000  # characters; a programme is some tens of thousands


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    written = programme.export(door.session())
    return render_template("console/programme.html", written=written, text=_yaml(written), changes=None)


@blueprint.get("/file")
@roles.needs("marketer")
def file() -> Response:
    text = _yaml(programme.export(door.session()))
    return Response(
        text, mimetype="application/yaml", headers={"Content-Disposition": "attachment; filename=programme.yaml"}
    )


@blueprint.post("/diff")
@roles.needs("owner")
def compare() -> Any:
    """What applying the text would change; nothing is written yet."""
    try:
        changes = programme.diff(door.session(), _read(_text()))
    except Invalid as refusal:
        return _again(refusal)
    written = programme.export(door.session())
    return render_template("console/programme.html", written=written, text=_text(), changes=changes)


@blueprint.post("/apply")
@roles.needs("owner")
def apply() -> Any:
    session = door.session()
    try:
        done = programme.apply(session, _read(_text()), by=roles.me().login, now=door.now())
    except Invalid as refusal:
        return _again(refusal)
    audit(session, staff_id=roles.me().id, action="programme_applied", data={"changes": len(done)}, now=door.now())
    session.commit()
    flash(door.words("Applied: %(n)s changes.", n=len(done)), "done")
    return redirect(url_for("console.programme.page"), 303)


def _again(refusal: Invalid) -> tuple[str, int]:
    """The page with what was typed still on it, and what is wrong above."""
    flash(door.words(refusal.message, **refusal.values), "refused")
    written = programme.export(door.session())
    text = request.form.get("text", "")
    return render_template("console/programme.html", written=written, text=text, changes=None), refusal.status


def _text() -> str:
    text = request.form.get("text", "")
    if not text.strip() or len(text) > LARGEST:
        raise Invalid(mark("Nothing was applied: there was no programme in it. Paste the whole file."))
    return text


def _read(text: str) -> programme.Programme:
    try:
        return programme.read(yaml.safe_load(text))
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        raise Invalid(
            mark("Nothing was applied: line %(line)s is not YAML. Correct it and try again."),
            line=where.line + 1 if where else "?",
        ) from None


def _yaml(written: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(written, allow_unicode=True, sort_keys=False, width=100)
    return text
