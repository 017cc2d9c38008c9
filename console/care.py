"""Care: who is unhappy and waits to hear from us, what was done, and how well the loop is closed."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select

import door
from console import roles
from console.health import look_again
from console.links import back
from domain.errors import NotFound
from domain.operations import noting
from domain.reports import care
from domain.wording import mark
from models.staff import Staff, StaffNote

blueprint = Blueprint("care", __name__, url_prefix="/care")


@blueprint.get("/")
@roles.needs("marketer")
def page() -> str:
    session, after = door.session(), request.args.get("after", 0, type=int)
    cases = care.open_cases(session, after=after)
    more = url_for("console.care.page", after=cases[-1].note.id) if len(cases) == care.PAGE else ""
    return render_template(
        "console/care.html", cases=cases, count=care.count_open(session), loop_of=care.loop(session, now=door.now()),
        closed=care.closed_cases(session), staff_choices=_staff_choices(), next_url=more, is_first=not after,
    )  # fmt: skip


@blueprint.post("/<int:note_id>/close")
@roles.needs("store")
def close(note_id: int) -> Any:
    """Closed with words; store staff close what was given to them."""
    note = _note(note_id)
    noting.close(
        door.session(), note, words=request.form.get("words", ""), staff_id=roles.me().id, now=door.now()
    )  # fmt: skip
    door.session().commit()
    look_again()
    words = mark("Closed. News and offers reach them again.") if note.kind == "care" else mark("Closed.")
    flash(door.words(words), "done")
    return redirect(back(), 303)


@blueprint.post("/<int:note_id>/assign")
@roles.needs("marketer")
def assign(note_id: int) -> Any:
    note, login = _note(note_id), request.form.get("to", "")
    to = door.session().scalar(select(Staff).where(Staff.login == login, Staff.disabled_at.is_(None)))
    if login and to is None:
        raise NotFound(mark("There is no such member of staff. Choose one from the list."))
    noting.assign(door.session(), note, to=to, staff_id=roles.me().id, now=door.now())
    door.session().commit()
    flash(door.words("%(name)s sees to it.", name=to.name) if to else door.words("Whoever is free sees to it."), "done")
    return redirect(back(), 303)


def _note(note_id: int) -> StaffNote:
    note, me = door.session().get(StaffNote, note_id), roles.me()
    if note is None or (me.role == "store" and note.assignee_id != me.id):
        raise NotFound(mark("There is no such note. Look at the list again."))
    return note


def _staff_choices() -> list[tuple[str, str]]:
    working = select(Staff.login, Staff.name).where(Staff.disabled_at.is_(None), Staff.role != "viewer")
    named = [(login, name) for login, name in door.session().execute(working.order_by(Staff.name))]
    return [("", door.words("Whoever is free")), *named]
