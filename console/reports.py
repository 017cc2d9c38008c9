"""Reports: what the Review's five numbers do not say. Answer first, then the table; every number opens into people."""

import base64
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

import door
from console import charts, roles
from console.people import PAGE_SIZE, PeoplePage, people_page
from domain.errors import Invalid
from domain.operations import reporting, segmenting
from domain.operations.auditing import audit
from domain.reports.kept import as_of, counted
from domain.reports.told import all_pages, page_named
from domain.reports.told._shape import Bars, Choice, Listed, Page, Teller
from domain.rules import names_of
from domain.wording import mark
from models.member import Member
from models.programme import the_brand

blueprint = Blueprint("reports", __name__, url_prefix="/reports")

GROUPS = {
    "moving": mark("Who moves"),
    "worth": mark("Who is worth what"),
    "effect": mark("What works"),
    "rates": mark("All rates"),
}
LARGEST_LIST = 10_000  # as many as a segment may name one by one


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    """What reports there are."""
    groups = {group: [each for each in all_pages().values() if each.group == group] for group in GROUPS}
    return render_template("console/reports.html", groups=groups, group_words=GROUPS)


@blueprint.get("/<key>")
@roles.needs("viewer")
def show(key: str) -> str:
    """One report, as chosen."""
    report, say = page_named(key), _teller()
    choices, asked = _asked(report, say)
    found = counted(door.session(), report, asked, now=door.now())
    told = report.tell(found.document, asked, say) if found.document is not None else None
    return render_template(
        "console/report.html", report=report, choices=choices, asked=asked, told=told, as_of=found.as_of,
        is_kept=found.as_of != door.now(), picture=_picture(told.chart) if told and told.chart else "",
    )  # fmt: skip


@blueprint.get("/<key>/people")
@roles.needs("viewer")
def people(key: str) -> str:
    """Exactly the people a number counts, newest first."""
    report, say = page_named(key), _teller()
    choices, asked = _asked(report, say)
    listed = _listed(report, asked, say)
    found = _page_of(listed)
    reasons = listed.why(_ids_of(found)) if listed.why and found.people else {}
    here = url_for("console.reports.people", key=key, list=request.args.get("list", ""), **asked)
    return render_template(
        "console/report_people.html", report=report, found=found, listed=listed, choices=choices, asked=asked,
        why=_by_ref(found, reasons), list_name=request.args.get("list", ""), here=here,
        next_url=f"{here}&after={found.next_after}" if found.next_after else "",
        may_keep=roles.may("marketer") and 0 < found.count <= LARGEST_LIST,
    )  # fmt: skip


@blueprint.post("/<key>/keep")
@roles.needs("marketer")
def keep(key: str) -> BaseResponse:
    """The list as a segment: these very people, whatever becomes of them."""
    report, say = page_named(key), _teller()
    listed = _listed(report, _asked(report, say, request.form)[1], say)
    if len(listed.people) > LARGEST_LIST:
        raise Invalid(
            mark("The list was not kept: a segment names at most %(n)s people one by one. Open a smaller number."),
            code="too_many", n=LARGEST_LIST,
        )  # fmt: skip
    session = door.session()
    refs = list(session.scalars(select(Member.ref).where(Member.id.in_(list(listed.people))).order_by(Member.id)))
    rule = {"condition": "in_list", "members": refs, "called": listed.called[:100]}
    name = request.form.get("name", "") or listed.called
    segment = segmenting.save(session, name=name, rule=rule, now=door.now())
    audit(
        session, staff_id=roles.me().id, action="list_kept", object=f"segment:{segment.key}",
        data={"people": len(refs), "report": key}, now=door.now(),
    )  # fmt: skip
    session.commit()
    flash(door.words("Saved “%(name)s”.", name=segment.name), "done")
    return redirect(url_for("console.segments.show", key=segment.key), 303)


@blueprint.post("/<key>/note")
@roles.needs("marketer")
def note(key: str) -> BaseResponse:
    """Notes what was decided about a row of the report."""
    report, session, me = page_named(key), door.session(), roles.me()
    about, name = request.form.get("about", ""), request.form.get("name", "")
    if not about.startswith(f"{report.key}:"):
        raise Invalid(mark("Nothing was noted because this page is out of date. Open it again."), code="stale_form")
    reporting.note(
        session, about=about[:60], name=name, words=request.form.get("words", ""), by=me.name, now=door.now()
    )
    audit(session, staff_id=me.id, action="report_noted", object=about, data={"row": name}, now=door.now())
    session.commit()
    flash(door.words("Noted."), "done")
    back = {choice.name: choice.value for choice in _asked(report, _teller(), request.form)[0]}
    return redirect(url_for("console.reports.show", key=key, **back), 303)


def _teller() -> Teller:
    session = door.session()
    return Teller(door.language(), names_of(session, door.language()), the_brand(session).currency)


def _asked(report: Page, say: Teller, given: Mapping[str, str] | None = None) -> tuple[list[Choice], dict[str, str]]:
    choices = report.choices(door.session(), given if given is not None else request.args, say, door.now())
    return choices, {choice.name: choice.value for choice in choices}


def _listed(report: Page, asked: dict[str, str], say: Teller) -> Listed:
    name = request.values.get("list", "")
    session = door.session()
    return report.behind(session, asked, name, say, as_of(session, report, asked, now=door.now()))


def _page_of(listed: Listed) -> PeoplePage:
    """A page of the set itself, so that its count is the number that was clicked."""
    session, after, ids = door.session(), request.args.get("after"), listed.people
    before = session.scalar(select(Member.id).where(Member.ref == after)) if after else None
    end = ids.rank(before - 1) if before else len(ids)
    shown = list(ids[max(0, end - PAGE_SIZE) : end])
    found = people_page(session, shown)
    following = found.people[-1].ref if end > PAGE_SIZE and found.people else None
    return PeoplePage(found.people, len(ids), following)


def _ids_of(found: PeoplePage) -> list[int]:
    refs = [person.ref for person in found.people]
    return list(door.session().scalars(select(Member.id).where(Member.ref.in_(refs))))


def _by_ref(found: PeoplePage, reasons: dict[int, str]) -> dict[str, str]:
    refs = [person.ref for person in found.people]
    rows: Any = door.session().execute(select(Member.id, Member.ref).where(Member.ref.in_(refs))) if reasons else []
    return {ref: reasons[each] for each, ref in rows if each in reasons}


def _picture(chart: Bars) -> str:
    """The chart inside the page: it is of the very figures the page shows."""
    drawn = charts.bars(chart.bars, colour=the_brand(door.session()).colour)
    return "data:image/svg+xml;base64," + base64.b64encode(drawn).decode()
