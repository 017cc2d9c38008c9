"""Surveys: what people answered, how it spreads, what they wrote; each number opens into its people."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select

import door
from console import roles
from console.people import people_page
from domain.errors import NotFound
from domain.operations import answering, segmenting
from domain.reports import survey_results
from domain.wording import mark, pick
from models.channel import the_channel
from models.programme import Form, Segment

blueprint = Blueprint("surveys", __name__, url_prefix="/surveys")

KINDS = {
    "nps": mark("Would they recommend us (NPS)"),
    "csat": mark("Are they satisfied (CSAT)"),
    "quiz": mark("Quiz"),
    "form": mark("Questions"),
}


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    """Every form with how many answered and, where it is scored, what that comes to."""
    session, now = door.session(), door.now()
    counts = survey_results.answers(session, now=now)
    forms = session.scalars(select(Form).order_by(Form.is_open.desc(), Form.id)).all()
    rows = [(form, counts.get(form.id, 0), survey_results.result(session, form, now=now)) for form in forms]
    return render_template("console/surveys.html", rows=rows, kinds=KINDS)


@blueprint.get("/<key>")
@roles.needs("viewer")
def show(key: str) -> str:
    """One survey; `segment` narrows it to that segment's members, `before` reads on in the comments."""
    session, now, form = door.session(), door.now(), the_form(key)
    segment = chosen_segment()
    rule, before = segment.rule if segment else None, request.args.get("before", type=int)
    found = survey_results.result(session, form, rule=rule, now=now)
    comments = survey_results.comments(session, form, rule=rule, before=before, now=now)
    here = {"key": key, **({"segment": segment.key} if segment else {})}
    more = url_for("console.surveys.show", **here, before=comments[-1].id) if _is_full(comments) else ""
    return render_template(
        "console/survey.html", form=form, kinds=KINDS, found=found, bars=_bars(found.scores), segment=segment,
        highest=answering.highest_score(form), comments=comments, next_url=more, here=here, is_first=before is None,
        segment_choices=segment_choices(), address=the_channel(session).liff_url(f"/forms/{key}"),
    )  # fmt: skip


def _is_full(comments: list[Any]) -> bool:
    return len(comments) == survey_results.PAGE


@blueprint.get("/<key>/people")
@roles.needs("viewer")
def people(key: str) -> str:
    """Who gave a score between `low` and `high`."""
    form = the_form(key)
    low, high = request.args.get("low", 0, type=int), request.args.get("high", 1000, type=int)
    ids = survey_results.people(door.session(), form, low=low, high=high, now=door.now())
    here = url_for("console.surveys.people", key=key, low=low, high=high)
    found = people_page(door.session(), ids, after=request.args.get("after"))
    return render_template(
        "console/people_list.html", title=pick(form.title, door.language()) or key, found=found, here=here,
        lead=door.words("Gave %(low)s to %(high)s.", low=low, high=high) if low != high
        else door.words("Gave %(score)s.", score=low),
        back_url=url_for("console.surveys.show", key=key), back_words=door.words("Back to the survey"),
        next_url=f"{here}&after={found.next_after}" if found.next_after else "",
    )  # fmt: skip


def the_form(key: str) -> Form:
    form = door.session().scalar(select(Form).where(Form.key == key))
    if form is None:
        raise NotFound(mark("There is no such survey. Choose one from the list."))
    return form


def chosen_segment() -> Segment | None:
    """The segment a page is narrowed to."""
    key = request.args.get("segment")
    return segmenting.named(door.session(), key) if key else None


def segment_choices() -> list[tuple[str, str]]:
    """Every segment, everyone first."""
    return [("", door.words("Everyone")), *((each.key, each.name) for each in segmenting.live(door.session()))]


def _bars(scores: dict[int, int]) -> list[tuple[int, int, float]]:
    """(score, people, width of its bar of 100), the longest bar full."""
    most = max(scores.values(), default=1)
    return [(score, count, round(100 * count / most, 2)) for score, count in scores.items()]
