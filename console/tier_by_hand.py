"""A member's tier, set by hand with a reason and an end, or taken back."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

import door
from console import roles
from console.members import the_member
from console.people import name_of
from domain.errors import Invalid
from domain.operations import setting_tiers
from domain.reports import card
from domain.wording import mark

blueprint = Blueprint("tier_by_hand", __name__, url_prefix="/members")


@blueprint.get("/<ref>/tier")
@roles.needs("marketer")
def page(ref: str) -> str:
    session, member = door.session(), the_member(ref)
    return render_template(
        "console/tier_by_hand.html", member=member, name=name_of(member, None) or member.number,
        tiers=[tier for tier in card.ladder(session) if tier.rank], tier=card.tier_of(session, member),
        given=setting_tiers.given_by_hand(session, member, now=door.now()),
    )  # fmt: skip


@blueprint.post("/<ref>/tier")
@roles.needs("marketer")
def give(ref: str) -> Any:
    session, member = door.session(), the_member(ref)
    tier = next((each for each in card.ladder(session) if each.key == request.form.get("tier") and each.rank), None)
    try:
        until = date.fromisoformat(request.form.get("until", ""))
    except ValueError:
        raise Invalid(mark("No tier was set: choose the last day on which it holds.")) from None
    if tier is None:
        raise Invalid(mark("No tier was set: choose one from the list."))
    setting_tiers.set_tier(
        session, member, tier=tier, until=until, words=request.form.get("words", ""), staff=roles.me(), now=door.now()
    )
    session.commit()
    flash(door.words("The tier is set. Whoever stands higher keeps what they have."), "done")
    return redirect(url_for("console.members.show", ref=ref), 303)


@blueprint.post("/<ref>/tier/end")
@roles.needs("marketer")
def end(ref: str) -> Any:
    session, member = door.session(), the_member(ref)
    words = request.form.get("words", "")
    setting_tiers.end_set_tier(session, member, words=words, staff=roles.me(), now=door.now())
    session.commit()
    flash(door.words("Taken back: they stand on what they earned, or on what was given otherwise."), "done")
    return redirect(url_for("console.members.show", ref=ref), 303)
