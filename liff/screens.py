"""What the APIs of all screens share: blueprints with the guards on, errors in one shape, and the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

from apiflask import APIBlueprint, APIFlask
from flask import Blueprint, Response, abort, g, jsonify, request
from pydantic import BaseModel, ConfigDict, model_validator

import door
import door_errors
import door_spec
from liff import session

PREFIX = "/liff/api"


class Shape(BaseModel):
    """What goes in or out: nothing beside the named fields."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, data: Any) -> Any:
        """NUL and half characters can come in through JSON escapes; no database takes them."""
        if isinstance(data, dict) and not all(map(_is_storable, _texts(data))):
            raise ValueError("holds characters nothing can store")
        return data


def _texts(value: Any) -> Iterator[str]:
    """Every text within a JSON value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def api_blueprint(name: str, import_name: str) -> APIBlueprint:
    """A blueprint under /liff/api: for known people only, in their language, and only JSON from our own pages."""
    made = APIBlueprint(f"liff_{name}", import_name, url_prefix=PREFIX, tag=name)
    made.before_request(_only_text)
    made.before_request(_in_a_hurry)
    made.before_request(session.know_the_person)
    made.before_request(session.guard_writes)
    made.before_request(session.require_person)
    made.after_request(_private)
    return made


def prepare(app: APIFlask) -> None:
    door_errors.shape_errors(app, PREFIX, door_errors.problem)
    app.add_url_rule("/liff/openapi.json", "liff_openapi", _openapi)
    app.after_request(_page_headers)


def _in_a_hurry() -> None:
    """Someone is looking at their phone: when the database is busy, 503 and Retry-After after two seconds."""
    g.hurried = True


def _only_text() -> None:
    """No text of the database holds NUL: an address with one names nothing."""
    if any("\0" in str(part) for part in (request.view_args or {}).values()):
        abort(404)


def _openapi() -> Response:
    return jsonify(door_spec.spec_of(PREFIX, "Regulars mini-app"))


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _page_headers(response: Response) -> Response:
    """LINE's SDK loads and asks on its own hosts; in practice the simulator plays it, and frames the pages."""
    if not request.path.startswith("/liff/"):
        return response
    practice = door.service().practice_origin
    others = (practice,) if practice else ("https://*.line-scdn.net", "https://*.line.me")
    return door.security_headers(response, others=others, framed_by=practice or "'none'")


def plain_blueprint(name: str, import_name: str) -> Blueprint:
    """A blueprint of pages: shells that say nothing about anyone."""
    made = Blueprint(f"liff_{name}", import_name, url_prefix="/liff", template_folder="templates")
    made.before_request(session.know_the_person)
    return made
