"""Entry sources: the link and the code of each store, member of staff, ad and event, and what each has brought."""

import re
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy import select

import door
from console import qr, roles
from console.people import people_page
from domain.errors import Invalid, NotFound
from domain.operations import arriving
from domain.operations.auditing import audit
from domain.reports import entry_sources as report
from domain.wording import mark
from models.channel import the_channel
from models.programme import EntrySource
from models.store import Store

blueprint = Blueprint("sources", __name__, url_prefix="/sources")

KEY = re.compile(r"[a-z0-9][a-z0-9_\-]{0,62}")
KIND_WORDS = {
    "store": mark("Store"),
    "staff": mark("Member of staff"),
    "ad": mark("Ad or post"),
    "event": mark("Event"),
}
COUNT_WORDS = {
    "came": mark("Came by it"),
    "friends": mark("Friends now"),
    "members": mark("Members"),
    "buyers": mark("Bought in 90 days"),
}


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    found = report.brought(door.session(), now=door.now())
    stores = door.session().execute(select(Store.key, Store.name).order_by(Store.name)).all()
    return render_template(
        "console/sources.html", found=found, kinds=_words(KIND_WORDS), stores=[tuple(each) for each in stores],
        total=sum(each.came for each in found),
    )  # fmt: skip


@blueprint.post("/")
@roles.needs("marketer")
def add() -> Any:
    """A new source; the programme file names it from now on."""
    session, form = door.session(), request.form
    key = form.get("key", "").strip().lower()
    if not KEY.fullmatch(key):
        raise Invalid(mark("Nothing was added: the short name has a to z, 0 to 9, - and _ only. Change it."))
    arriving.add(
        session, key=key, name=form.get("name", ""), kind=form.get("kind", ""), store=form.get("store") or None,
        campaign=form.get("campaign", "").strip()[:64] or None,
    )  # fmt: skip
    audit(session, staff_id=roles.me().id, action="source_added", object=f"source:{key}", now=door.now())
    session.commit()
    flash(door.words("Added. Print its code, or copy its link."), "done")
    return redirect(url_for("console.sources.show", key=key), 303)


@blueprint.get("/<key>")
@roles.needs("viewer")
def show(key: str) -> str:
    """One source: its link, its code, its figures and the people behind one of them."""
    source, count = arriving.find(door.session(), key), request.args.get("of", "came")
    if count not in report.COUNTS:
        raise NotFound(mark("There is no such figure. Choose one from the page."))
    brought = next(each for each in report.brought(door.session(), now=door.now()) if each.source.key == key)
    ids = report.people_of(door.session(), count, now=door.now(), key=key)
    after = request.args.get("after")
    found = people_page(door.session(), ids, after=after)
    here = url_for("console.sources.show", key=key, of=count)
    more = url_for("console.sources.show", key=key, of=count, after=found.next_after) if found.next_after else ""
    return render_template(
        "console/source.html", source=source, figures=_figures(brought), kinds=_words(KIND_WORDS),
        counts=_words(COUNT_WORDS), count=count, found=found, here=here, next_url=more, is_first=not after,
        link=link_of(source), picture=qr.svg(link_of(source)),
    )  # fmt: skip


@blueprint.get("/<key>/code.<any(svg, png):kind>")
@roles.needs("viewer")
def code(key: str, kind: str) -> Response:
    """The code as a file."""
    source = arriving.find(door.session(), key)
    picture = qr.file(link_of(source), kind)
    mimetype = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return Response(picture, mimetype=mimetype, headers={"Content-Disposition": f"attachment; filename={key}.{kind}"})


def _figures(brought: report.Brought) -> dict[str, Any]:
    return {name: getattr(brought, name) for name in (*report.COUNTS, "net_amount", "took_part")}


def link_of(source: EntrySource) -> str:
    """What the code carries: it opens the mini-app, which asks LINE who is there."""
    practice, path = door.service().practice_origin, f"{arriving.PATH}{source.key}"
    channel = the_channel(door.session())
    return f"{practice}/liff/open/{channel.liff_id}{path}" if practice else channel.liff_url(path)


def _words(several: dict[str, str]) -> dict[str, str]:
    return {key: door.words(words) for key, words in several.items()}
