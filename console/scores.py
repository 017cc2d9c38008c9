"""Scores: what each says, on what it rests, when not to trust it; and how far the forecasts came true."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import func, select

import door
from console import roles
from console.people import people_page
from console.score_words import ABOUT, FACT_WORDS, MODEL_WORDS, About
from domain.calendar import calendar_of
from domain.errors import NotFound
from domain.reports import forecast_check
from domain.reports.score_standing import Score, numbers, standing, who
from domain.scores.churn import BANDS
from domain.scores.refusals import REFUSALS
from domain.wording import mark
from models.programme import the_brand
from models.score import MemberScore, ModelFit

blueprint = Blueprint("scores", __name__, url_prefix="/scores")


@dataclass(frozen=True)
class Section:
    """One score with its numbers; `of`: how many members have it."""

    key: str
    about: About
    words: dict[str, str]
    counts: dict[str, int]
    is_shown: bool

    @property
    def of(self) -> int:
        return sum(self.counts.values())


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    """All of them."""
    session = door.session()
    check = forecast_check.newest(session)
    return render_template(
        "console/scores.html", sections=[_section(each) for each in _standing().values()], check=check,
        next_check=forecast_check.next_on(session), fits=_fits(), band_words=BANDS, model_words=MODEL_WORDS,
        fact_words=FACT_WORDS, refusals=REFUSALS, as_of=session.scalar(select(func.max(MemberScore.as_of))),
    )  # fmt: skip


@blueprint.get("/people")
@roles.needs("viewer")
def people() -> str:
    """Exactly the people a number counts."""
    score, value = _standing().get(request.args.get("score", "")), request.args.get("value", "")
    if score is None or value not in score.words:
        raise NotFound(mark("There is no such group. Go back to the scores and choose one."))
    after = request.args.get("after")
    found = people_page(door.session(), who(score, value), after=after)
    here = url_for("console.scores.people", score=score.key, value=value)
    return render_template(
        "console/score_people.html", title=ABOUT[score.key].title, value=score.words[value], found=found, here=here,
        next_url=f"{here}&after={found.next_after}" if found.next_after else "", is_first=not after,
    )  # fmt: skip


def _standing() -> dict[str, Score]:
    return standing(calendar_of(door.session()).day_of(door.now()))


def _section(score: Score) -> Section:
    brand = the_brand(door.session())
    hidden = {"rfm" if brand.rfm_by == "quintiles" else "rfm_quintiles"}
    hidden.add("napl" if brand.napl_by == "purchases" else "napl_purchases")
    return Section(score.key, ABOUT[score.key], score.words, numbers(door.session(), score), score.key not in hidden)


def _fits() -> list[ModelFit]:
    """The newest of each model."""
    newest: dict[str, Any] = {}
    for fit in door.session().scalars(select(ModelFit).order_by(ModelFit.as_of)):
        newest[fit.model] = fit
    return [newest[name] for name in MODEL_WORDS if name in newest]
