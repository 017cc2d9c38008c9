"""Missions: what each counts and brings, who is how far, what it has cost; on and off; rewards that are owed."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select

import door
from console import roles
from console.people import people_page
from domain import rules
from domain.errors import NotFound
from domain.operations import missions
from domain.operations.auditing import audit
from domain.reports import mission_words
from domain.reports import missions as report
from domain.wording import mark
from models.mission import Mission

blueprint = Blueprint("missions", __name__, url_prefix="/missions")


def the_mission(key: str) -> Mission:
    row = door.session().scalar(select(Mission).where(Mission.key == key))
    if row is None:
        raise NotFound(mark("There is no such mission. Choose one from the list."))
    return row


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    session, now = door.session(), door.now()
    rows = session.scalars(select(Mission).where(Mission.archived_at.is_(None)).order_by(Mission.key)).all()
    found = [{"row": row, "standing": report.standing(session, row, now=now), **_said(row)} for row in rows]
    return render_template("console/missions.html", found=found)


@blueprint.get("/<key>")
@roles.needs("viewer")
def show(key: str) -> str:
    """One mission: the answer, who is at which step, and why some got nothing."""
    session, now, row = door.session(), door.now(), the_mission(key)
    return render_template(
        "console/mission.html", row=row, said=_said(row), standing=report.standing(session, row, now=now),
        few=report.has_few_steps(session, row), given=report.given(session, row), cost=report.cost_of(session, row),
        reasons=report.reasons(session, row), reason_words=report.REASONS, states=report.STATES,
        whom=_whom(row),
    )  # fmt: skip


@blueprint.get("/<key>/people/<state>")
@roles.needs("viewer")
def people(key: str, state: str) -> str:
    """The people behind one of its numbers."""
    session, row = door.session(), the_mission(key)
    step = state.removeprefix("step-")
    if state not in report.STATES and not (step != state and step.isdecimal() and len(step) < 9):
        raise NotFound(mark("There is no such list. Choose a number on the mission's page."))
    here = url_for("console.missions.people", key=key, state=state)
    ids = report.people_in(session, row, state, now=door.now())
    found = people_page(session, ids, after=request.args.get("after"))
    lead = door.words(report.STATES[state]) if state in report.STATES else door.words("On the way, step %(n)s", n=step)
    return render_template(
        "console/people_list.html", title=_said(row)["name"], lead=lead, found=found, here=here,
        back_url=url_for("console.missions.show", key=key), back_words=door.words("Back to the mission"),
        next_url=f"{here}?after={found.next_after}" if found.next_after else "",
    )  # fmt: skip


@blueprint.post("/<key>/owed")
@roles.needs("marketer")
def give_owed(key: str) -> Any:
    """Tries the rewards that had run out once more."""
    session, row = door.session(), the_mission(key)
    n = missions.give_owed(session, row, now=door.now())
    audit(
        session, staff_id=roles.me().id, action="mission_owed", object=f"mission:{key}", data={"given": n},
        now=door.now(),
    )  # fmt: skip
    session.commit()
    flash(door.words("Given: %(n)s. What could not be given still waits.", n=n), "done")
    return redirect(url_for("console.missions.show", key=key), 303)


@blueprint.post("/<key>/<switch>")
@roles.needs("marketer")
def turn(key: str, switch: str) -> Any:
    """Switches it on or off; on, it counts what happens from the first time on."""
    session, row = door.session(), the_mission(key)
    if switch == "on" and row.enabled_at is None:
        missions.enable(session, row, now=door.now())
        flash(door.words("Switched on. It counts what happens from now on."), "done")
    elif switch == "off" and row.enabled_at is not None:
        missions.disable(session, row)
        flash(door.words("Switched off. Nobody is rewarded, and what was given stays."), "done")
    elif switch not in ("on", "off"):
        raise NotFound(mark("There is no such mission. Choose one from the list."))
    audit(session, staff_id=roles.me().id, action=f"mission_{switch}", object=f"mission:{key}", now=door.now())
    session.commit()
    return redirect(url_for("console.missions.show", key=key), 303)


def _said(row: Mission) -> dict[str, str]:
    session, language = door.session(), door.language()
    return {
        "name": mission_words.name_of(row, language),
        "goal": mission_words.goal_words(session, row, language),
        "window": mission_words.window_words(row, language),
        "reward": mission_words.reward_words(session, row.reward, language),
    }


def _whom(row: Mission) -> str:
    names = rules.names_of(door.session(), door.language())
    return rules.sentence(row.rule, door.language(), names) if row.rule else ""
