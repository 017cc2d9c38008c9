"""Load a file: bring it, say how it is written, look at how it would be read, load it, see what was refused."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

import door
from console import roles
from domain.errors import Invalid, NotFound, Refusal
from domain.operations import uploading
from domain.reports import unmatched
from domain.wording import mark
from models.staff import Staff
from models.upload import OPEN, Upload

blueprint = Blueprint("imports", __name__, url_prefix="/import")

NEWEST = 20
SHOWN = 50
OWN = "own"  # the map is in a file beside
LARGEST_MAP = 50_000  # bytes
WHAT_WORDS = {"members": mark("Members"), "purchases": mark("Purchases"), "events": mark("Events")}
STATE_WORDS = {
    "checked": mark("Looked at, not loaded"),
    "waiting": mark("Waiting to be loaded"),
    "running": mark("Being loaded"),
    "done": mark("Loaded"),
    "failed": mark("Could not be read"),
}


@blueprint.get("/")
@roles.needs("marketer")
def page() -> str:
    newest = (
        select(Upload, Staff.name)
        .outerjoin(Staff, Staff.id == Upload.staff_id)
        .order_by(Upload.id.desc())
        .limit(NEWEST)
    )
    return render_template(
        "console/imports.html", found=door.session().execute(newest).all(), ways=_ways(), whats=_words(WHAT_WORDS),
        states=_words(STATE_WORDS), unknown=unmatched.orders(door.session()),
        unnetted=unmatched.refunds(door.session()),
    )  # fmt: skip


def _ways() -> list[tuple[str, str]]:
    """How a file may be written: our own columns, each map that comes with the product, or one's own map."""
    ours = [(what, door.words("Our own columns: %(what)s", what=words)) for what, words in _words(WHAT_WORDS).items()]
    maps = [
        (f"map:{name}", f"{title} ({door.words(WHAT_WORDS[reads])})")
        for name, title, reads in door.service().extra["maps"]()
    ]
    return [*ours, *maps, (OWN, door.words("A map of your own, as a file"))]


@blueprint.post("/")
@roles.needs("marketer")
def bring() -> Any:
    """Keeps the file and shows how it would be read. Nothing is loaded yet."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid(mark("Nothing was kept: no file was chosen. Choose one."))
    what, map_name, map_text = _way(request.form.get("way", ""))
    row = uploading.keep(
        door.session(), what=what, name=sent.filename, body=sent.read(), map_name=map_name, map_text=map_text,
        staff_id=roles.me().id, now=door.now(),
    )  # fmt: skip
    door.session().commit()
    return redirect(url_for("console.imports.show", upload_id=row.id), 303)


def _way(chosen: str) -> tuple[str, str | None, str | None]:
    """What the file holds, and the map it is read by: ours by name, or the text of one's own."""
    if chosen in WHAT_WORDS:
        return chosen, None, None
    if chosen == OWN:
        text = _map_text(request.files.get("map"))
        return door.service().extra["read_map"](text), None, text
    for name, _, reads in door.service().extra["maps"]():
        if chosen == f"map:{name}":
            return reads, name, None
    raise Invalid(mark("Nothing was kept: choose how the file is written."))


def _map_text(sent: FileStorage | None) -> str:
    body = sent.read(LARGEST_MAP + 1) if sent is not None else b""
    if not body or len(body) > LARGEST_MAP:
        raise Invalid(mark("Nothing was kept: choose the file of your map as well; it is a small YAML file."))
    return body.decode("utf-8", errors="replace")


@blueprint.get("/<int:upload_id>")
@roles.needs("marketer")
def show(upload_id: int) -> str:
    """One file: how it would be read, how far it is, or what became of it."""
    row = uploading.find(door.session(), upload_id)
    found, wrong = None, ""
    if row.state == "checked":
        try:
            found = door.service().extra["look_at_upload"](
                door.service().sessions, row.id, language=door.language(), now=door.now()
            )
        except Refusal as refusal:
            wrong = door.words(refusal.message, **refusal.values)
    return render_template("console/import.html", row=row, found=found, wrong=wrong, **_told(row))


@blueprint.get("/<int:upload_id>/progress")
@roles.needs("marketer")
def progress(upload_id: int) -> str:
    """How far it is, for the page that waits."""
    row = uploading.find(door.session(), upload_id)
    return render_template("console/_import_progress.html", row=row, **_told(row))


def _told(row: Upload) -> dict[str, Any]:
    return {
        "whats": _words(WHAT_WORDS),
        "states": _words(STATE_WORDS),
        "is_open": row.state in OPEN,
        "reasons": list(row.report.get("reasons", {}).items()),
    }


@blueprint.post("/<int:upload_id>/load")
@roles.needs("marketer")
def load(upload_id: int) -> Any:
    session = door.session()
    uploading.ask_to_load(session, uploading.find(session, upload_id), staff_id=roles.me().id, now=door.now())
    session.commit()
    flash(door.words("It is being loaded. You may leave this page."), "done")
    return redirect(url_for("console.imports.show", upload_id=upload_id), 303)


@blueprint.post("/<int:upload_id>/let-go")
@roles.needs("marketer")
def let_go(upload_id: int) -> Any:
    session = door.session()
    uploading.let_go(session, uploading.find(session, upload_id))
    session.commit()
    flash(door.words("Forgotten. What was loaded before stays."), "done")
    return redirect(url_for("console.imports.page"), 303)


@blueprint.get("/<int:upload_id>/refused.csv")
@roles.needs("marketer")
def refused(upload_id: int) -> Response:
    """The refused lines with their reasons: mend them and bring them again."""
    row = uploading.find(door.session(), upload_id)
    if row.rejected is None:
        raise NotFound(mark("There are no refused lines of this file, or they are not kept any more."))
    headers = {"Content-Disposition": f"attachment; filename=refused-{row.id}.csv", "Cache-Control": "no-store"}
    return Response(row.rejected, mimetype="text/csv", headers=headers)


@blueprint.get("/unknown")
@roles.needs("marketer")
def unknown_buyers() -> str:
    """By which names people we do not know have bought."""
    after = request.args.get("after", "")[:255]
    found = unmatched.buyers(door.session(), after=after, limit=SHOWN + 1)
    more = url_for("console.imports.unknown_buyers", after=found[SHOWN - 1][0]) if len(found) > SHOWN else ""
    return render_template(
        "console/unknown_buyers.html", found=found[:SHOWN], next_url=more, is_first=not after
    )  # fmt: skip


def _words(several: dict[str, str]) -> dict[str, str]:
    return {key: door.words(words) for key, words in several.items()}
