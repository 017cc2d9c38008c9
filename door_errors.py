"""A refusal is raised once and answered in the asking door's own shape: problem+json, or a page.

Each door says with `shape_errors(app, "/its/prefix", shape)` how it answers; what no door claims is plain text.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apiflask import APIFlask, HTTPError
from flask import Flask, Response, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

import door
from domain.errors import Refusal, Unavailable
from domain.wording import mark


@dataclass(frozen=True)
class Trouble:
    """What went wrong, in words for the person asking."""

    status: int
    code: str
    detail: str
    more: dict[str, Any] = field(default_factory=dict)


Shape = Callable[[Trouble], Response]

# What Werkzeug and APIFlask refuse by themselves: our code, and words that say what to do now.
WORDS = {
    400: ("malformed", mark("This could not be read, so nothing was changed. Please send it again.")),
    401: ("not_signed_in", mark("We do not know who is asking. Please sign in and try again.")),
    403: ("not_allowed", mark("This is not yours to do. Please ask someone who may.")),
    404: ("not_found", mark("There is nothing at this address. Please go back and choose again.")),
    405: ("method_not_allowed", mark("This address does not do that. Please go back and choose again.")),
    409: ("conflict", mark("This was changed meanwhile, so nothing was done. Please look again.")),
    413: ("too_large", mark("This is too large, so it was not taken. Please send less at once.")),
    415: ("not_json", mark("This must be sent as JSON, so nothing was changed. Please send it as application/json.")),
    422: ("invalid", mark("Something in this is missing or cannot be right. Please correct it and send it again.")),
    429: ("too_many", mark("That was too often, so it was not done. Please wait a minute and try again.")),
    503: ("unavailable", mark("We are very busy, so this was not done. Please try again in a moment.")),
}
FAILED = ("failed", mark("Something went wrong on our side, so this may not be done. Please try again in a moment."))


def shape_errors(app: Flask, prefix: str, shape: Shape) -> None:
    """From now on, whatever goes wrong under `prefix` is answered by `shape`."""
    app.extensions.setdefault("error_shapes", {})[prefix] = shape


def install(app: APIFlask) -> None:
    """Catches every refusal and HTTP error of the application."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _busy)
    app.error_processor(_api_error)


def problem(trouble: Trouble) -> Response:
    """The shape of the JSON doors: RFC 9457."""
    return door.problem_of(trouble.status, trouble.code, trouble.detail, **trouble.more)


def _refused(refusal: Refusal) -> Response:
    # A refusal about one field of a form says which, so that the page can show it there.
    more = {"field": refusal.values["field"]} if "field" in refusal.values else {}
    return _answer(Trouble(refusal.status, refusal.code, door.words(refusal.message, **refusal.values), more))


def _http(error: HTTPException) -> Response:
    if error.response is not None:  # a finished answer, such as a redirect
        return error.response  # type: ignore[return-value]  # Flask's responses throughout
    return _keep_headers(_answer(_trouble_of(error.code or 500)), dict(error.get_headers()))


def _api_error(error: HTTPError) -> Response:
    """APIFlask's own: validation errors name the fields."""
    more = {"errors": error.detail} if error.detail else {}
    return _keep_headers(_answer(_trouble_of(error.status_code, **more)), dict(error.headers or {}))


def _busy(_error: OperationalError) -> Response:
    return _refused(Unavailable(WORDS[503][1]))


def _trouble_of(status: int, **more: Any) -> Trouble:
    code, words = WORDS.get(status, FAILED)
    return Trouble(status, code, door.words(words), more)


def _answer(trouble: Trouble) -> Response:
    app_shapes = door.current_app.extensions.get("error_shapes", {})
    fitting = [prefix for prefix in app_shapes if request.path.startswith(prefix)]
    shape = app_shapes[max(fitting, key=len)] if fitting else _plain
    response: Response = shape(trouble)
    if trouble.status in {429, 503}:
        response.headers.setdefault("Retry-After", "60" if trouble.status == 429 else "2")
    return response


def _keep_headers(response: Response, headers: dict[str, str]) -> Response:
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in headers:
            response.headers[name] = headers[name]
    return response


def _plain(trouble: Trouble) -> Response:
    return Response(trouble.detail + "\n", trouble.status, mimetype="text/plain")
