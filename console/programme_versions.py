"""Programmes as they were applied, to go back to, and as they are planned for a day."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

import door
from console import roles
from console.health import look_again
from console.programme_words import change_words
from domain.errors import NotFound
from domain.operations import programme
from domain.operations.auditing import audit
from domain.wording import mark
from models.mission import ProgrammeVersion

blueprint = Blueprint("programme_versions", __name__, url_prefix="/programme/versions")

PAGE = 30
STATES = {
    "planned": mark("Planned"),
    "applied": mark("Applied"),
    "cancelled": mark("Cancelled"),
    "failed": mark("Could not be applied"),
}


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    rows = programme.versions(door.session(), before=request.args.get("before", type=int), limit=PAGE + 1)
    following = rows[PAGE - 1].id if len(rows) > PAGE else None
    return render_template(
        "console/programme_versions.html", rows=rows[:PAGE], following=following, states=STATES,
        is_first=not request.args.get("before"),
    )  # fmt: skip


@blueprint.get("/<int:version_id>")
@roles.needs("marketer")
def show(version_id: int) -> str:
    """What applying it would change today."""
    version = _version(version_id)
    document = version.document.get("programme", version.document)  # what is planned stands beside its base
    wanted = programme.read(document)
    touched = programme.touches(door.session(), wanted, now=door.now())
    return render_template(
        "console/programme_version.html", version=version, changes=change_words(touched), states=STATES,
        text=programme.write_text(document),
    )  # fmt: skip


@blueprint.post("/<int:version_id>/back")
@roles.needs("owner")
def back(version_id: int) -> Any:
    session, version = door.session(), _version(version_id)
    done = programme.roll_back(session, version.sha, by=roles.me().login, now=door.now())
    _audited("programme_applied", {"back_to": version.sha, "changes": len(done)})
    session.commit()
    flash(door.words("The programme is again as it was: %(n)s changes.", n=len(done)), "done")
    return redirect(url_for("console.programme_versions.page"), 303)


@blueprint.post("/<int:version_id>/cancel")
@roles.needs("owner")
def cancel(version_id: int) -> Any:
    session, version = door.session(), _version(version_id)
    programme.cancel(session, version)
    _audited("programme_cancelled", {"sha": version.sha})
    session.commit()
    look_again()
    flash(door.words("Cancelled: it will not be applied."), "done")
    return redirect(url_for("console.programme_versions.page"), 303)


def _version(version_id: int) -> ProgrammeVersion:
    version = door.session().get(ProgrammeVersion, version_id)
    if version is None:
        raise NotFound(mark("There is no such version. Look at the list again."))
    return version


def _audited(action: str, data: dict[str, Any]) -> None:
    audit(door.session(), staff_id=roles.me().id, action=action, data=data, now=door.now())
