"""Draws and friends: tickets and winners of each draw; who was brought by whom, and what staff may take back."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

import door
from console import roles
from console.people import people_page
from domain.errors import NotFound
from domain.operations import drawing, referring
from domain.operations.auditing import audit
from domain.reports.mission_words import reward_words
from domain.reports.missions import REASONS
from domain.wording import mark, pick
from models.member import Member
from models.mission import Draw, Referral, Ticket

blueprint = Blueprint("draws", __name__, url_prefix="/draws")

PAGE = 50
GROUPS = {"all": mark("Holding tickets"), "won": mark("Won"), "owed": mark("Won, and not given yet")}
WHY = {
    "known_before": mark("was known before"),
    "same_person": mark("is the same person"),
    "too_late": mark("came too late"),
    "taken_back": mark("taken back by staff"),
}
STATES = {"clicked": mark("Opened the link"), "succeeded": mark("Counts"), "refused": mark("Does not count")}


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    session = door.session()
    counts = dict(
        session.execute(
            select(Ticket.draw_id, func.count()).where(Ticket.withdrawn_at.is_(None)).group_by(Ticket.draw_id)
        ).all()
    )
    rows = session.scalars(select(Draw).order_by(Draw.closes_at.desc())).all()
    return render_template("console/draws.html", rows=rows, counts=counts, now=door.now())


@blueprint.get("/<key>")
@roles.needs("viewer")
def show(key: str) -> str:
    session, draw = door.session(), the_draw(key)
    prizes = [(reward_words(session, each["benefit"], door.language()), each.get("count", 1)) for each in draw.prizes]
    counts = {
        group: session.scalar(select(func.count()).select_from(_people(draw, group).subquery())) or 0
        for group in GROUPS
    }
    valid = session.scalar(select(func.count()).select_from(Ticket).where(drawing.valid_tickets(draw))) or 0
    stuck = select(Ticket.reason, func.count()).where(Ticket.draw_id == draw.id, Ticket.reason.is_not(None))
    return render_template(
        "console/draw.html", draw=draw, prizes=prizes, groups=GROUPS, counts=counts, valid=valid, now=door.now(),
        stuck=session.execute(stuck.group_by(Ticket.reason)).all(), reason_words=REASONS,
    )  # fmt: skip


@blueprint.get("/<key>/people/<group>")
@roles.needs("viewer")
def people(key: str, group: str) -> str:
    """The people behind one of its numbers."""
    draw = the_draw(key)
    if group not in GROUPS:
        raise NotFound(mark("There is no such list. Choose a number on the draw's page."))
    here = url_for("console.draws.people", key=key, group=group)
    found = people_page(door.session(), _people(draw, group), after=request.args.get("after"))
    return render_template(
        "console/people_list.html", title=_name(draw), lead=door.words(GROUPS[group]), found=found, here=here,
        back_url=url_for("console.draws.show", key=key), back_words=door.words("Back to the draw"),
        next_url=f"{here}?after={found.next_after}" if found.next_after else "",
    )  # fmt: skip


@blueprint.post("/<key>/retry")
@roles.needs("marketer")
def retry(key: str) -> Any:
    """Prizes that could not be given are tried again by the next run of the clock."""
    session, draw = door.session(), the_draw(key)
    n = drawing.retry_prizes(session, draw)
    audit(session, staff_id=roles.me().id, action="draw_retried", object=f"draw:{key}", data={"n": n}, now=door.now())
    session.commit()
    flash(door.words("%(n)s prizes are tried again within five minutes.", n=n), "done")
    return redirect(url_for("console.draws.show", key=key), 303)


@blueprint.get("/friends")
@roles.needs("marketer")
def friends() -> str:
    """Who was brought by whom, newest first; the successes of two who are one person now stand out."""
    session, state = door.session(), request.args.get("state", "succeeded")
    if state not in STATES:
        raise NotFound(mark("There is no such list. Choose one above the table."))
    referrer, person = aliased(Member), aliased(Member)
    query = (
        select(Referral, referrer, person)
        .join(referrer, referrer.id == Referral.referrer_id)
        .join(person, person.id == Referral.person_id)
        .where(Referral.state == state)
    )
    after = request.args.get("after", type=int)
    query = query.where(Referral.id < after) if after else query
    rows = session.execute(query.order_by(Referral.id.desc()).limit(PAGE + 1)).all()
    here = url_for("console.draws.friends", state=state)
    counts = dict(session.execute(select(Referral.state, func.count()).group_by(Referral.state)).all())
    return render_template(
        "console/friends.html", rows=rows[:PAGE], state=state, states=STATES, counts=counts, why=WHY, here=here,
        is_first=not after, next_url=f"{here}&after={rows[PAGE - 1][0].id}" if len(rows) > PAGE else "",
    )  # fmt: skip


@blueprint.post("/friends/<int:referral_id>/take-back")
@roles.needs("marketer")
def take_back(referral_id: int) -> Any:
    referring.take_back(door.session(), referral_id, staff_id=roles.me().id, now=door.now())
    door.session().commit()
    flash(door.words("Taken back. What was given for it stays: withdraw the coupon where that is right."), "done")
    return redirect(url_for("console.draws.friends"), 303)


def the_draw(key: str) -> Draw:
    row = door.session().scalar(select(Draw).where(Draw.key == key))
    if row is None:
        raise NotFound(mark("There is no such draw. Choose one from the list."))
    return row


def _name(draw: Draw) -> str:
    return pick(draw.name, door.language()) or draw.key


def _people(draw: Draw, group: str) -> Select[int]:
    which = {
        "all": (Ticket.withdrawn_at.is_(None),), "won": (Ticket.prize.is_not(None),),
        "owed": (Ticket.prize.is_not(None), Ticket.given_at.is_(None)),
    }[group]  # fmt: skip
    return select(Ticket.member_id).where(Ticket.draw_id == draw.id, *which).distinct()
