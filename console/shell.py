"""What every console page shares: its blueprint, its guard, its words, and its errors."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, current_app, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

import door
from console import roles
from console.colours import brand_stylesheet
from console.counter import masked_phone
from console.deeds import deed_words, detail_words
from console.health import needing_a_person
from console.links import back, came_from_us
from console.navigation import navigation
from console.person_panel import coupon_title
from domain.calendar import calendar_of
from domain.errors import NotSignedIn, Refusal, Unavailable
from domain.wording import LANGUAGES, date_words, day_words, mark, money_words, pick, say_many
from models.programme import the_brand

# Each language by its own name, for the switcher.
LANGUAGE_NAMES = {"zh-Hant": "繁體中文", "ja": "日本語", "th": "ไทย", "en": "English"}

csrf = CSRFProtect()


def make_console(pages: Sequence[Blueprint]) -> Blueprint:
    """The console with its pages inside it; what is set on it holds for all of them."""
    console = Blueprint(
        "console", __name__, url_prefix="/console", template_folder="templates",
        static_folder="static", static_url_path="/static",
    )  # fmt: skip
    console.before_request(_know_who_asks)
    console.before_request(roles.refuse_unguarded)
    console.before_request(csrf.protect)
    console.after_request(_headers)
    console.context_processor(_words)
    console.register_error_handler(Refusal, refused)
    console.register_error_handler(CSRFError, _stale_form)
    console.register_error_handler(HTTPException, _not_a_page)
    console.register_error_handler(Exception, _our_fault)
    for page in (blueprint, *pages):
        console.register_blueprint(page)
    return console


blueprint = Blueprint("shell", __name__)


@blueprint.get("/")
@roles.needs("staff")
def home() -> BaseResponse:
    """Everyone's first page: the counter for stores, the Review for those who look at figures."""
    return redirect(navigation()[0].head.url if navigation() else url_for("console.me.page"))


@blueprint.get("/brand.css")
@roles.open_to_all
def brand_css() -> Response:
    """The brand's colour; apart from the page, since inline styles are not let in."""
    style = brand_stylesheet(the_brand(door.session()).colour)
    return Response(style, mimetype="text/css", headers={"Cache-Control": "private, max-age=60"})


@blueprint.route("/<path:_path>", methods=["GET", "POST"])
@roles.open_to_all
def no_such_page(_path: str) -> tuple[str, int]:
    """What is not a page still answers in the console's shape."""
    return error_page(404, door.words("There is no such page. It may have moved; start again from the menu."))


def _know_who_asks() -> None:
    if current_user.is_authenticated and roles.me().language in LANGUAGES:
        g.language = roles.me().language


def _headers(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
    return door.security_headers(response, camera=True)


def _words() -> dict[str, Any]:
    """What templates call. `_` and `language` come with the application."""
    return {
        "clock": clock_in_words,
        "brand": the_brand(door.session()),
        "deed_words": deed_words,
        "detail_words": detail_words,
        "day_of": day_in_words,
        "masked_phone": masked_phone,
        "title_of": lambda claim: coupon_title(claim, door.language()),
        "day": _day,
        "languages": LANGUAGE_NAMES,
        "many": lambda one, many, n, **more: say_many(door.language(), one, many, n, **more),
        "may": roles.may,
        "me": current_user.row if current_user.is_authenticated else None,
        "moment": moment_in_words,
        "money": money_in_words,
        "navigation": navigation,
        "needing_a_person": needing_a_person,
        "role_words": lambda role: door.words(roles.ROLE_WORDS[role]),
        "pick": lambda texts: pick(texts, door.language()),
    }


def moment_in_words(moment: datetime | None) -> str:
    """Local day and time."""
    return f"{day_in_words(moment)} {clock_in_words(moment)}" if moment else ""


def day_in_words(moment: datetime | None) -> str:
    """The local day, with the year when it is not this one."""
    if moment is None:
        return ""
    calendar = calendar_of(door.session())
    return _day(calendar.day_of(moment))


def _day(day: date | None) -> str:
    """A local day, with the year when it is not this one."""
    if day is None:
        return ""
    today = calendar_of(door.session()).day_of(door.now())
    if day.year == today.year:
        return day_words(door.language(), day)
    return date_words(door.language(), day, today)


def clock_in_words(moment: datetime | None) -> str:
    """The local time of day."""
    return moment.astimezone(calendar_of(door.session()).zone).strftime("%H:%M") if moment else ""


def money_in_words(amount: int) -> str:
    return money_words(door.language(), amount, the_brand(door.session()).currency)


def refused(refusal: Refusal) -> Any:
    """A refusal where the person is: on the form they sent, or as a page of its own."""
    door.session().rollback()
    words = door.words(refusal.message, **refusal.values)
    if isinstance(refusal, NotSignedIn):
        return redirect(url_for("console.login.sign_in", next=request.full_path), 303)
    if wants_json():
        return door.problem(refusal)
    if request.method == "POST" and came_from_us():
        flash(words, "refused")
        return redirect(back(), 303)
    return error_page(refusal.status, words)


def wants_json() -> bool:
    """Whether our own script is asking, rather than a person opening a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def error_page(status: int, words: str) -> tuple[str, int]:
    return render_template("console/error.html", status=status, words=words), status


def _stale_form(_error: CSRFError) -> Any:
    message = mark("Nothing was saved because this page had been open too long. Try once more.")
    return refused(Refusal(message, code="stale_form"))


def _not_a_page(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    words = {
        404: door.words("There is no such page. It may have moved; start again from the menu."),
        405: door.words("This address does not take that. Start again from the menu."),
        429: door.words("That was too often. Wait a minute and try again."),
        413: door.words("Nothing was saved because the file is too large. Choose a smaller one."),
    }.get(error.code, door.words("This did not work. Go back and try once more."))
    return error_page(error.code, words)


def _our_fault(error: Exception) -> Any:
    if isinstance(error, OperationalError):  # the database is busy or away; nothing of ours is broken
        return refused(Unavailable(mark("This was not done because we are very busy. Try again in a moment.")))
    current_app.logger.error("console page failed: %s", request.endpoint, exc_info=error)
    door.session().rollback()
    return error_page(500, door.words("Something broke on our side and nothing was saved. Try again in a minute."))
