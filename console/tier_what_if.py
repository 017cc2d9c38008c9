"""What if a tier took less, or more: who would move, what it costs, what they would be told; and applying it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select

import door
from console import roles
from console.people import people_page
from console.programme import put
from console.programme_words import advice_words
from domain.calendar import end_of_same_month_next_year
from domain.errors import Invalid, Refusal
from domain.messages import tier_up
from domain.money import to_minor, to_text
from domain.operations import programme
from domain.reports import card, tier_what_if
from domain.reports.tier_what_if import Shift
from domain.wording import mark, pick
from models.member import Member
from models.programme import Tier, the_brand

blueprint = Blueprint("tier_what_if", __name__, url_prefix="/programme/what-if")


@blueprint.get("/")
@roles.needs("marketer")
def page() -> Any:
    """The thresholds as they stand, to be changed; with others in the address, what would follow."""
    asked = {key: value for key, value in request.args.items() if value.strip()}
    try:
        return _page(_minor(asked) if asked else {})
    except Refusal as refusal:
        flash(door.words(refusal.message, **refusal.values), "refused")
        return _page({}), refusal.status


@blueprint.get("/people")
@roles.needs("marketer")
def people() -> str:
    """The people behind one of its counts."""
    asked = request.args.to_dict()
    after, moves = asked.pop("after", None), {side: asked.pop(side, "") for side in ("from_tier", "to_tier")}
    ids = tier_what_if.people(door.session(), _minor(asked), **moves, now=door.now())
    here = url_for(".people", **asked, **moves)
    found = people_page(door.session(), ids, after=after)
    title = door.words(
        "From %(before)s to %(after)s", before=_named(moves["from_tier"]), after=_named(moves["to_tier"])
    )
    return render_template(
        "console/people_list.html", title=title, lead=door.words("If these thresholds held."), found=found, here=here,
        next_url=url_for(".people", **asked, **moves, after=found.next_after) if found.next_after else "",
        back_url=url_for(".page", **asked), back_words=door.words("Back to what if"),
    )  # fmt: skip


@blueprint.post("/apply")
@roles.needs("owner")
def apply() -> Any:
    """Applies the thresholds now, or from a day."""
    typed = {key: request.form[key] for key in _tiers() if request.form.get(key, "").strip()}
    try:
        said = put(_programme(_minor(typed)), data={"thresholds": typed})
    except Refusal as refusal:
        flash(door.words(refusal.message, **refusal.values), "refused")
        return redirect(url_for(".page", **typed), 303)
    flash(said, "done")
    return redirect(url_for("console.programme_versions.page"), 303)


def _page(thresholds: dict[str, int]) -> str:
    session, brand, tiers = door.session(), the_brand(door.session()), _tiers()
    changed = {key: least for key, least in thresholds.items() if least != tiers[key].threshold}
    found = tier_what_if.what_if(session, changed, now=door.now()) if changed else None
    typed = {key: to_text(least, brand.currency) for key, least in thresholds.items()}
    return render_template(
        "console/tier_what_if.html", tiers=list(tiers.values()), found=found, typed=typed,
        standing={key: to_text(tier.threshold, brand.currency) for key, tier in tiers.items()},
        advice=advice_words(_programme(changed)), previews=_previews(found.rises) if found else [],
    )  # fmt: skip


def _tiers() -> dict[str, Tier]:
    return {tier.key: tier for tier in card.ladder(door.session())}


def _named(key: str) -> str:
    tier = _tiers().get(key)
    return (pick(tier.name, door.language()) if tier else "") or key


def _minor(typed: dict[str, Any]) -> dict[str, int]:
    """What was typed, in minor units. Raises Invalid for what is no amount, or no tier's."""
    tiers, currency = _tiers(), the_brand(door.session()).currency
    try:
        made = {key: to_minor(value, currency)[0] for key, value in typed.items() if tiers[key].rank}
    except (KeyError, ValueError):
        raise Invalid(mark("Nothing was worked out: a threshold must be a plain number. Correct it.")) from None
    rising = [made.get(key, tier.threshold) for key, tier in tiers.items()]
    if rising != sorted(set(rising)):
        raise Invalid(mark("Nothing was worked out: each tier must take more than the one below it. Correct it."))
    return made


def _programme(thresholds: dict[str, int]) -> programme.Programme:
    """The programme as it stands, with these thresholds."""
    document, currency = programme.export(door.session()), the_brand(door.session()).currency
    for tier in document.get("tiers", []):
        if tier["key"] in thresholds:
            tier["threshold"] = to_text(thresholds[tier["key"]], currency)
    return programme.read(document)


def _previews(rises: list[Shift]) -> list[tuple[str, Any]]:
    """What those who rise are told, one message a tier, as the first of them would read it."""
    session, until = door.session(), end_of_same_month_next_year(door.now().date())
    somebody = session.scalar(select(Member).where(Member.registered_at.is_not(None)).limit(1))
    reached = {shift.to_tier.key: shift.to_tier for shift in rises}
    if somebody is None:
        return []
    return [
        (pick(tier.name, door.language()), tier_up.render(session, somebody, tier=tier, until=until).messages)
        for tier in reached.values()
    ]
