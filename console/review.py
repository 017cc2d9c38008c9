"""Review: are members moving? Five numbers of a month, each beside the month before, and the people behind them."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

import door
from console import charts, roles
from console.people import some_people
from domain.calendar import Month, calendar_of
from domain.errors import NotFound
from domain.metrics import all_metrics
from domain.metrics._counting import SIDES, Place
from domain.metrics._shape import Figure, Metric
from domain.operations import closing
from domain.operations.auditing import audit
from domain.reports import review_words as say
from domain.reports.falling_segments import standings
from domain.reports.judging import against_rest, gap, interval, strength
from domain.reports.month_people import PAGE_SIZE, behind
from domain.reports.monthly_review import Entry, figures_of, history, latest_month, review
from domain.wording import mark
from models.programme import the_brand

blueprint = Blueprint("review", __name__, url_prefix="/review")


@blueprint.get("/")
@roles.needs("viewer")
def page() -> BaseResponse:
    """The last month there is something final to say about."""
    month = latest_month(door.session(), now=door.now())
    return redirect(url_for("console.review.show", month=str(month)))


@blueprint.get("/<month>")
@roles.needs("viewer")
def show(month: str) -> str:
    """One month."""
    asked, language = _month(month), door.language()
    found = review(door.session(), asked, now=door.now())
    past = history(door.session(), asked)
    running = calendar_of(door.session()).month_of(door.now())
    return render_template(
        "console/review.html", found=found, rows=[_row(entry, asked, past) for entry in found.entries],
        month_words=say.month_words(asked, language), before=asked.plus(-1), before_words=_words(asked.plus(-1)),
        after=asked.plus(1) if str(asked) < str(running) else None, after_words=_words(asked.plus(1)),
        silences=[_silence(each) for each in found.silences],
    )  # fmt: skip


@blueprint.post("/<month>/count")
@roles.needs("marketer")
def count_again(month: str) -> BaseResponse:
    """Asks for a newer draft of a large brand's open month; a smaller one is counted each time it is looked at."""
    asked, session = _month(month), door.session()
    if closing.want_draft(session, asked, now=door.now()):
        audit(session, staff_id=roles.me().id, action="review_counted", object=f"month:{asked}", now=door.now())
        session.commit()
        flash(door.words("It is being counted again. Open this page again in a few minutes."), "done")
    return redirect(url_for("console.review.show", month=str(asked)), 303)


@blueprint.get("/<month>/<key>.svg")
@roles.needs("viewer")
def chart(month: str, key: str) -> Response:
    """The metric's twelve months up to this one, as a picture."""
    asked, metric = _month(month), _metric(key)
    months = history(door.session(), asked)
    if asked not in months:
        months[asked] = figures_of(door.session(), asked, now=door.now(), only=metric.key)
    line = [(asked.plus(back), months.get(asked.plus(back), {}).get(key)) for back in range(-11, 1)]
    drawn = charts.month_line(
        [(say.short_month(each, door.language()), figure) for each, figure in line],
        exact=metric.exact, colour=the_brand(door.session()).colour,
    )  # fmt: skip
    return Response(drawn, mimetype="image/svg+xml", headers={"Cache-Control": "private, max-age=60"})


@blueprint.get("/<month>/<key>/people")
@roles.needs("viewer")
def people(month: str, key: str) -> str:
    """Exactly the people a number counts, newest first: `side` is of (the denominator) or who (the numerator)."""
    asked, metric = _month(month), _metric(key)
    side = request.args.get("side", "who")
    if side not in SIDES:
        raise NotFound(mark("There is no such list. Open it from the review."))
    place: Place = (request.args.get("part", ""), request.args.get("word", ""))
    found = behind(
        door.session(), metric, asked, place=place, side=side, after=request.args.get("after"), now=door.now()
    )
    times = dict(found.people)
    return render_template(
        "console/review_people.html", month=asked, metric=metric, month_words=_words(asked), side=side, found=found,
        people=some_people(door.session(), list(times), size=PAGE_SIZE), times=found.times_by_ref,
        place_words=_place_words(metric, asked, place), is_first=not request.args.get("after"), here=_here(),
        next_url=_here(after=found.next_after) if found.next_after else "",
    )  # fmt: skip


@blueprint.get("/<month>/<key>/segments")
@roles.needs("viewer")
def segments(month: str, key: str) -> str:
    """Which of our segments fell in this number, the deepest fall first."""
    asked, metric, language = _month(month), _metric(key), door.language()
    found = standings(door.session(), metric, asked, now=door.now())
    rows = [
        {
            "standing": each,
            "now": _line(metric, each.name, each.figure, ("", "")),
            "before": say.of_whom(each.before, language),
            "before_share": say.shown(each.before, exact=metric.exact),
            "words": say.change_words(each.change, _words(asked.plus(-1)), language),
        }
        for each in found
    ]
    return render_template(
        "console/review_segments.html", month=asked, metric=metric, rows=rows, month_words=_words(asked),
        before_words=_words(asked.plus(-1)),
    )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of a table of parts, or of months."""

    name: str
    share: str
    of_whom: str
    between: str
    notes: list[str]
    figure: Figure
    place: Place
    lines: list["Line"]


def _row(entry: Entry, month: Month, past: dict[Month, dict[str, Figure]]) -> dict[str, Any]:
    """What the page shows of one metric."""
    language, metric, figure = door.language(), entry.metric, entry.figure
    months = {**past, month: {metric.key: figure}}
    return {
        "metric": metric,
        "figure": figure,
        "answer": say.answer(entry, month, language),
        "movement": say.movement(entry, month, language),
        "trend": entry.change.trend if entry.change else "",
        "share": say.shown(figure, exact=metric.exact),
        "strength": strength(figure, exact=metric.exact),
        "of_whom": say.of_whom(figure, language),
        "between": say.between(figure, language, exact=metric.exact),
        "asides": say.asides(figure, language),
        "doubts": [_silence(each) for each in entry.doubts],
        "definition": entry.definition,
        "parts": [_part(metric, key, part) for key, part in figure.parts.items()],
        "months": [
            _line(metric, say.month_words(each, language), figures[metric.key], ("", ""))
            for each, figures in sorted(months.items(), key=lambda pair: str(pair[0]), reverse=True)
            if metric.key in figures
        ],
    }


def _part(metric: Metric, key: str, part: Figure) -> Line:
    language = door.language()
    notes = say.asides(part, language)
    if not metric.split:
        return _line(metric, say.part_name(key, part, language), part, (key, ""), notes)
    notes += [say.gap_words(gap(part), part, language)] if part.parts else []
    compared = against_rest(part)
    cuts = []
    for word, cut in part.parts.items():
        rest = say.rest_words(compared.get(word), language)
        cuts.append(_line(metric, say.part_name(word, cut, language), cut, (key, word), [rest] if rest else []))
    return _line(metric, say.part_name(key, part, language), part, (key, ""), notes, cuts)


def _line(
    metric: Metric,
    name: str,
    figure: Figure,
    place: Place,
    notes: list[str] | None = None,
    lines: list[Line] | None = None,
) -> Line:
    language = door.language()
    return Line(
        name, say.shown(figure, exact=metric.exact), say.of_whom(figure, language),
        say.between(figure, language, exact=metric.exact) if interval(figure, exact=metric.exact) else "",
        notes or [], figure, place, lines or [],
    )  # fmt: skip


def _silence(silence: Any) -> dict[str, Any]:
    return {
        "kind": door.words(say.KINDS.get(silence.kind, silence.kind)),
        "since": silence.since, "days": silence.days, "usual": round(silence.usual),
    }  # fmt: skip


def _place_words(metric: Metric, month: Month, place: Place) -> str:
    """The message, type, campaign or segment the list is of."""
    figures = figures_of(door.session(), month, now=door.now(), only=metric.key)
    names, figure = [], figures.get(metric.key)
    for key in place:
        figure = figure.parts.get(key) if figure and key else None
        names += [say.part_name(key, figure, door.language())] if figure else []
    return " · ".join(names)


def _here(**more: str | None) -> str:
    asked = {name: request.args[name] for name in ("part", "word", "side") if name in request.args}
    return url_for(request.endpoint or "", **(request.view_args or {}), **asked, **more)


def _words(month: Month) -> str:
    return say.month_words(month, door.language())


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError:
        raise NotFound(mark("There is no such month. Choose one in the review.")) from None


def _metric(key: str) -> Metric:
    if key not in all_metrics():
        raise NotFound(mark("There is no such number. Choose one in the review."))
    return all_metrics()[key]
