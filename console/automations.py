"""Automations: what runs by itself, for whom, and what became of each person; on and off."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select

import door
from console import roles
from console.people import people_page
from domain.errors import NotFound
from domain.operations import automating
from domain.operations.auditing import audit
from domain.reports import automations as report
from domain.wording import mark
from models.automation import Automation

blueprint = Blueprint("automations", __name__, url_prefix="/automations")


def the_automation(key: str) -> Automation:
    live = select(Automation).where(Automation.archived_at.is_(None))
    row = door.session().scalar(live.where(Automation.key == key))
    if row is None:
        raise NotFound(mark("There is no such automation. Choose one from the list."))
    return row


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    found = report.all_seen(door.session(), door.language())
    return render_template("console/automations.html", found=found, states=report.STATES)


@blueprint.get("/<key>")
@roles.needs("viewer")
def show(key: str) -> str:
    """One automation, and the people in one of its states."""
    row, state = the_automation(key), request.args.get("state", "done")
    if state not in report.STATES:
        raise NotFound(mark("There is no such state. Choose one from the list."))
    counts = next(each.counts for each in report.all_seen(door.session(), door.language()) if each.key == key)
    after = request.args.get("after")
    found = people_page(door.session(), report.people_in(row, state), after=after)
    here = url_for("console.automations.show", key=key, state=state)
    next_url = url_for("console.automations.show", key=key, state=state, after=found.next_after)
    return render_template(
        "console/automation.html", seen=report.seen(door.session(), row, door.language(), counts), states=report.STATES,
        state=state, found=found, reasons=report.reasons(door.session(), row), reason_words=report.REASONS, here=here,
        next_url=next_url if found.next_after else "", is_first=not after,
    )  # fmt: skip


@blueprint.post("/<key>/<switch>")
@roles.needs("marketer")
def turn(key: str, switch: str) -> Any:
    """Switches it on or off. On: whoever is in the state already does not enter unless that was chosen."""
    session, row = door.session(), the_automation(key)
    if switch == "on" and row.enabled_at is None:
        automating.enable(session, row, including_present="present" in request.form, now=door.now())
        flash(door.words("Switched on. It acts on what happens from now on."), "done")
    elif switch == "off" and row.enabled_at is not None:
        automating.disable(session, row)
        flash(door.words("Switched off. Nobody enters, and whoever was waiting is left alone."), "done")
    audit(session, staff_id=roles.me().id, action=f"automation_{switch}", object=f"automation:{key}", now=door.now())
    session.commit()
    return redirect(url_for("console.automations.show", key=key), 303)
