"""GET /t.js and POST /collect: what a shop's own site tells of whoever looks at it (M56).

No key can be kept secret in a page: who may post are pages of the origins that stand in the programme
(`brand: sites:`), few and small posts at a time, of kinds that give nobody anything.
"""

from pathlib import Path
from typing import Annotated, Literal

from flask import Blueprint, Flask, Response, g, request, send_from_directory
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from pydantic import Field, ValidationError

import door
import door_errors
from api.shapes import Shape
from domain.errors import Invalid, NotAllowed
from domain.operations.collecting import Step, collect, is_ours, known_origin
from domain.wording import mark

PATH = "/collect"
STATIC = Path(__file__).parent / "static"
LARGEST = 8 * 1024  # bytes
POSTS = "240 per minute"  # of one address: a household's browsers, not a flood
KEPT_SECONDS = 3600

collecting = Blueprint("collecting", __name__)


class StepItem(Shape):
    """One thing done in the shop."""

    kind: Literal["browsed", "favourited", "carted", "checkout_started"]
    object: Annotated[str, Field(pattern=r"^[^\x00-\x1f]{1,200}$")]


class Collected(Shape):
    """What one browser tells at once."""

    site: Annotated[str, Field(max_length=64)]
    visitor: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    token: Annotated[str | None, Field(max_length=64)] = None
    steps: Annotated[list[StepItem], Field(max_length=20, default_factory=list)]


@collecting.get("/t.js")
def script() -> Response:
    """The script a shop puts in its pages."""
    answer = send_from_directory(STATIC, "t.js", mimetype="text/javascript", max_age=KEPT_SECONDS)
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@collecting.route(PATH, methods=["OPTIONS"])
def ask_first() -> Response:
    """What a browser asks before a post that is not plain text."""
    _known_origin()
    answer = Response(status=204)
    answer.headers["Access-Control-Allow-Methods"] = "POST"
    answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
    answer.headers["Access-Control-Max-Age"] = "86400"
    return answer


@collecting.post(PATH)
def take() -> Response:
    """The steps of one browser."""
    g.hurried = True  # somebody is shopping; better to lose a step than to hold the page
    origin = _known_origin()
    told = _read()
    session = door.session()
    if not is_ours(session, told.site, origin):
        raise _refused()
    steps = [Step(each.kind, each.object) for each in told.steps]
    collect(session, visitor=told.visitor, steps=steps, token=told.token, now=door.now())
    session.commit()
    return Response(status=204)


@collecting.after_request
def _let_the_page_have_it(answer: Response) -> Response:
    """Only pages of a known origin are told anything."""
    answer.vary.add("Origin")
    if "origin" in g:
        answer.headers["Access-Control-Allow-Origin"] = g.origin
    return answer


def _known_origin() -> str:
    origin = request.headers.get("Origin", "").lower()
    with door.service().sessions.reading() as session:  # strangers never hold the database's one writer
        if not known_origin(session, origin):
            raise _refused()
    g.origin = origin
    return origin


def _refused() -> NotAllowed:
    return NotAllowed(mark("Pages of this address may not report here. Add it to the sites of the programme."))


def _read() -> Collected:
    request.max_content_length = LARGEST
    try:
        return Collected.model_validate_json(request.get_data())
    except ValidationError:
        raise Invalid(mark("This is not what the script of this address would send.")) from None


def open_collecting(app: Flask) -> None:
    # Counted per process: it stops a flood, it does not account for anyone.
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", key_prefix="collect")
    app.register_blueprint(collecting)
    door_errors.shape_errors(app, PATH, door_errors.problem)
    app.view_functions["collecting.take"] = limiter.limit(POSTS)(app.view_functions["collecting.take"])
