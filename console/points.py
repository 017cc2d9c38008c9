"""Points: what the brand owes and until when, whether everything adds up, and points given or taken by hand."""

import secrets
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

import door
from console import counter, roles
from console.health import look_again
from console.members import the_member
from console.people import people_page, some_people
from domain.calendar import Month
from domain.errors import Invalid, NotFound
from domain.operations import pointing, spending
from domain.operations.auditing import audit
from domain.reports import points as report
from domain.reports.review_words import month_words
from domain.rules import names_of, sentence
from domain.scores._point_terms import Times, terms_from
from domain.wording import mark
from models.programme import the_brand

blueprint = Blueprint("points", __name__, url_prefix="/points")


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    """The answer in one line, then month by month; each figure opens into its people."""
    session, now = door.session(), door.now()
    uneven = report.reported(session)
    return render_template(
        "console/points.html", owed=report.liability(session, now=now), terms=terms_from(the_brand(session).points),
        uneven=some_people(session, uneven, size=20), uneven_count=len(uneven), ending_words=_ending_words,
        has_cost=bool(the_brand(session).point_cost), times_words=_times_words,
    )  # fmt: skip


@blueprint.get("/people/<key>")
@roles.needs("viewer")
def people(key: str) -> str:
    """Exactly the people a figure counts: those whose points end in a month, never, or who owe some."""
    session, after = door.session(), request.args.get("after")
    try:
        ids = report.people_behind(session, key, now=door.now())
    except ValueError:
        raise NotFound(mark("There is no such list. Open it from the points page.")) from None
    found = people_page(session, ids, after=after)
    here = url_for("console.points.people", key=key)
    more = url_for("console.points.people", key=key, after=found.next_after) if found.next_after else ""
    return render_template(
        "console/people_list.html", found=found, title=_title(key), lead="", here=here, next_url=more,
        back_url=url_for("console.points.page"), back_words=door.words("Back to points"),
    )  # fmt: skip


@blueprint.post("/mend")
@roles.needs("owner")
def mend() -> Any:
    """Makes the lots of those the proof found again from their ledger."""
    session = door.session()
    uneven = report.reported(session)
    pointing.put_in_step(session, uneven, now=door.now())
    audit(session, staff_id=roles.me().id, action="mended_points", data={"people": len(uneven)}, now=door.now())
    session.commit()
    look_again()
    flash(door.words("Made again from the ledger. Everything adds up now."), "done")
    return redirect(url_for("console.points.page"), 303)


@blueprint.post("/of/<ref>")
@roles.needs("marketer")
def adjust(ref: str) -> Any:
    """Gives a person points by hand, or takes some, with a reason."""
    session, member = door.session(), the_member(ref)
    line = spending.adjust(
        session, member, points=_whole(request.form.get("points", "")), reason=request.form.get("why", ""),
        ref=request.form.get("once") or secrets.token_hex(8), staff_id=roles.me().id, now=door.now(),
    )  # fmt: skip
    session.commit()
    words = door.words("%(n)s points given.", n=line.points) if line.points > 0 else None
    flash(words or door.words("%(n)s points taken.", n=-line.points), "done")
    return redirect(url_for("console.members.show", ref=ref), 303)


@blueprint.post("/at-the-counter/<ref>")
@roles.needs("store")
def spend(ref: str) -> Any:
    """Uses points of the person who stands before us."""
    session, member = door.session(), counter.the_person(ref)
    spent = spending.spend(
        session, member, points=_whole(request.form.get("points", "")),
        ref=request.form.get("once") or secrets.token_hex(8), order_ref=request.form.get("order_ref") or None,
        staff_id=roles.me().id, now=door.now(),
    )  # fmt: skip
    session.commit()
    flash(door.words("%(n)s points used. You can undo this for ten minutes.", n=-spent.line.points), "done")
    return redirect(url_for("console.scan.person", ref=ref) + "#points", 303)


@blueprint.post("/at-the-counter/<ref>/<use>/undo")
@roles.needs("store")
def undo(ref: str, use: str) -> Any:
    """Takes such a use back within ten minutes."""
    spending.undo(door.session(), counter.the_person(ref), ref=use, staff_id=roles.me().id, now=door.now())
    door.session().commit()
    flash(door.words("Taken back: the points are as before."), "done")
    return redirect(url_for("console.scan.person", ref=ref) + "#points", 303)


def _whole(text: str) -> int:
    try:
        return int(text.replace(",", "").replace("−", "-").strip())
    except ValueError:
        raise Invalid(
            mark("Nothing was done: points are a whole number, such as 50. Type it again."), code="points_wrong"
        ) from None


def _ending_words(ending: report.Ending) -> str:
    if ending.month is None:
        return door.words("Never end")
    return month_words(ending.month, door.language())


def _times_words(times: Times) -> str:
    """A multiplier in words: when and for whom."""
    names, on = names_of(door.session(), door.language()), times.on
    parts = [door.words("%(n)s times as many", n=f"{times.times:g}")]
    if on.month_days:
        parts.append(door.words("on day %(days)s of the month", days=_listed(on.month_days)))
    if on.weekdays:
        parts.append(door.words("on weekday %(days)s (1 is Monday)", days=_listed(on.weekdays)))
    if on.months:
        parts.append(door.words("in month %(months)s", months=_listed(on.months)))
    if on.dates:
        parts.append(door.words("on %(days)s", days=_listed(on.dates)))
    if times.tiers:
        parts.append(door.words("for %(who)s", who=_listed([names.of("tier", key) for key in times.tiers])))
    if times.rule:
        parts.append(door.words("for whoever: %(rule)s", rule=sentence(times.rule, door.language(), names)))
    return " · ".join(parts)


def _listed(several: Iterable[object]) -> str:
    return ", ".join(str(each) for each in several)


def _title(key: str) -> str:
    if key == "debt":
        return door.words("Who owes points")
    if key == report.WITHOUT_END:
        return door.words("Whose points never end")
    return door.words("Whose points end in %(month)s", month=month_words(Month.parse(key), door.language()))
