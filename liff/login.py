"""Signing in: LINE's ID token once, then our own session; and what opening a page records."""

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy.exc import IntegrityError

import door
from domain.errors import NotSignedIn
from domain.operations import entering
from domain.wording import LANGUAGES, mark
from liff import session
from liff.screens import Shape, api_blueprint
from line.id_token import Claims, IdTokens, TokenExpired, TokenRefused
from models.member import Member

login: APIBlueprint = api_blueprint("login", __name__)

EXPIRED = mark("LINE signed you in too long ago, so this page could not open. Please close it and open it again.")
REFUSED = mark("LINE did not confirm who you are, so this page could not open. Please close it and open it again.")


class Token(Shape):
    id_token: str = Field(min_length=1, max_length=8000)
    language: str | None = Field(None, max_length=35, description="As LINE's app says it; for people we meet first")


class Opening(Shape):
    page: str = Field(min_length=1, max_length=64, pattern=r"^[\w/.\-]+$")


@login.post("/session")
@login.input(Token)
@login.output({}, status_code=204)
def open_session(json_data: Token) -> Response:
    """Exchange LINE's ID token for our own session."""
    claims = _verified(json_data.id_token)
    try:
        found = _enter(claims, json_data.language)
    except IntegrityError:  # two pages met this person for the first time at once
        door.session().rollback()
        found = _enter(claims, json_data.language)
    door.session().commit()
    return session.sign_in(Response(status=204), found)


@login.post("/openings")
@login.input(Opening)
@login.output({}, status_code=204)
def opened(json_data: Opening) -> Response:
    """A page was opened by a known person."""
    entering.opened(door.session(), session.person(), page=json_data.page, trace=session.trace(), now=door.now())
    door.session().commit()
    return Response(status=204)


def _verified(id_token: str) -> Claims:
    try:
        return _verifier().verify(id_token)
    except TokenExpired:
        raise NotSignedIn(EXPIRED, code="token_expired") from None
    except TokenRefused:
        raise NotSignedIn(REFUSED, code="token_refused") from None


def _verifier() -> IdTokens:
    """One per process, since it keeps LINE's keys."""
    extra = door.service().extra
    if "id_tokens" not in extra:
        extra["id_tokens"] = IdTokens(extra["line"])
    found: IdTokens = extra["id_tokens"]
    return found


def _enter(claims: Claims, said: str | None) -> Member:
    return entering.enter(
        door.session(), user_id=claims.user_id, name=claims.name, picture_url=claims.picture,
        language=_language(said), now=door.now(),
    ).member  # fmt: skip


def _language(said: str | None) -> str:
    """Of someone we meet for the first time: what LINE's app says, else the browser's."""
    return said if said in LANGUAGES else door.language()
