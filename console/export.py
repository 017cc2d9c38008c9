"""All data, taken out by the owner as one file."""

from flask import Blueprint, Response, render_template

import door
from console import roles
from console.settings import waiting_counts
from domain.operations.auditing import audit

blueprint = Blueprint("export", __name__, url_prefix="/settings/export")


@blueprint.get("/")
@roles.needs("owner")
def page() -> str:
    return render_template("console/export.html", counts=waiting_counts(door.session()))


@blueprint.post("/")
@roles.needs("owner")
def download() -> Response:
    """The zip begins at once and is made while it is being sent; that it was asked for is written down first."""
    session, now = door.session(), door.now()
    audit(session, staff_id=roles.me().id, action="exported", data={"as": "zip"}, now=now)
    session.commit()
    name = f"regulars-{now:%Y-%m-%d}.zip"
    pieces = door.service().extra["zipped_export"](door.service().sessions)
    headers = {"Content-Disposition": f"attachment; filename={name}", "Cache-Control": "no-store"}
    return Response(pieces, mimetype="application/zip", headers=headers)
