"""Settings: what waits for a person, who works here, and what they did."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import door
from console import roles
from console.commands import invite_link
from console.login import machine_now
from domain.operations import staffing
from domain.reports import care, health
from models.member import Member
from models.staff import AuditLine, Staff, StaffNote
from models.store import Store

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

PAGE = 100
ELSEWHERE = ("paused_campaigns", "open_care")  # what waits for a person on pages of its own


@blueprint.get("/")
@roles.needs("marketer")
def page() -> str:
    """Chat texts and tasks nobody has answered yet: who is first in line, then the oldest."""
    rows = care.waiting(door.session(), limit=PAGE, now=door.now())
    return render_template("console/waiting.html", rows=rows, counts=waiting_counts(door.session()))


def waiting_counts(session: Session) -> dict[str, int]:
    """How many wait behind each tab."""
    undecided = health.undecided(session)
    return {
        "waiting": session.scalar(select(func.count()).where(StaffNote.closed_at.is_(None))) or 0,
        "stuck": sum(count for kind, count in undecided.items() if kind not in ELSEWHERE),
    }


@blueprint.get("/staff")
@roles.needs("owner")
def staff() -> str:
    session = door.session()
    everyone = select(Staff, Store.name).outerjoin(Store, Store.id == Staff.store_id)
    rows = session.execute(everyone.order_by(Staff.disabled_at.is_not(None), Staff.name)).all()
    stores = [("", ""), *(tuple(row) for row in session.execute(select(Store.key, Store.name).order_by(Store.name)))]
    return render_template(
        "console/staff.html", rows=rows, stores=stores, counts=waiting_counts(session), now_machine=machine_now(),
        role_choices=[(role, door.words(words)) for role, words in roles.ROLE_WORDS.items()],
    )  # fmt: skip


@blueprint.post("/staff")
@roles.needs("owner")
def invite() -> Any:
    form = request.form
    _, token = staffing.invite(
        door.session(), login=form.get("login", ""), name=form.get("name", ""), role=form.get("role", ""),
        store_key=form.get("store"), by_id=roles.me().id, now=machine_now(),
    )  # fmt: skip
    return _show_link(token)


@blueprint.post("/staff/<login>/<any(link, disable, enable, sign_out):deed>")
@roles.needs("owner")
def change(login: str, deed: str) -> Any:
    """A new link, the end of someone's access or its return, the end of their sessions."""
    session, by_id = door.session(), roles.me().id
    found = staffing.find(session, login)
    if deed == "link":
        return _show_link(staffing.new_link(session, found, by_id=by_id, now=machine_now()))
    act = {"disable": staffing.disable, "enable": staffing.enable, "sign_out": staffing.end_sessions}[deed]
    act(session, found, by_id=by_id, now=machine_now())
    session.commit()
    return redirect(url_for("console.settings.staff"), 303)


def _show_link(token: str) -> Any:
    """Shown once: only its hash is kept."""
    door.session().commit()
    return render_template("console/staff_link.html", link=invite_link(token)), 200


@blueprint.get("/audit")
@roles.needs("owner")
def audit_log() -> str:
    """What staff did, newest first."""
    before = request.args.get("before", "")
    query = (
        select(AuditLine, Staff.name, Member.ref, Member.name)
        .outerjoin(Staff, Staff.id == AuditLine.staff_id)
        .outerjoin(Member, Member.id == AuditLine.member_id)
        .order_by(AuditLine.id.desc())
    )
    if before.isascii() and before.isdigit():
        query = query.where(AuditLine.id < int(before))
    rows = door.session().execute(query.limit(PAGE + 1)).all()
    more = url_for("console.settings.audit_log", before=rows[PAGE - 1][0].id) if len(rows) > PAGE else ""
    return render_template(
        "console/audit.html",
        rows=rows[:PAGE],
        next_url=more,
        is_first=not before,
        counts=waiting_counts(door.session()),
    )
