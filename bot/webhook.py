"""POST /webhook: the signature over the raw body, the raw body in one insert, 200. Nothing else (I1).

It stands before Flask, so that no hook of any door can refuse, delay or lose what LINE tells us.
"""

import base64
import hmac
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.letterbox import Letterbox

log = structlog.get_logger()
PATH = "/webhook"
LARGEST_BODY = 1024 * 1024
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

REFUSALS = {
    401: ("bad_signature", "The signature does not match the body."),
    405: ("method_not_allowed", "This address takes webhooks by POST only."),
    413: ("too_large", "A webhook body is at most 1 MB."),
    503: ("not_stored", "The event could not be stored; send it again."),
}
HEADERS: dict[int, list[tuple[str, str]]] = {405: [("Allow", "POST")], 503: [("Retry-After", "2")]}


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether LINE signed exactly these bytes with our channel secret."""
    digest = base64.b64encode(hmac.digest(secret.encode(), body, "sha256"))
    return bool(secret) and hmac.compare_digest(digest, signature.encode())


class Webhook:
    """The app as LINE and everybody else sees it: what is for /webhook is dealt with here, the rest is passed on."""

    def __init__(self, rest: Application, *, letterbox: Letterbox, secret: str) -> None:
        self.rest = rest
        self.letterbox = letterbox
        self.secret = secret

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != PATH:
            return self.rest(environ, start_response)
        status = self._receive(environ)
        if status == 200:
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        return _refused(status, start_response)

    def _receive(self, environ: Environ) -> int:
        if environ["REQUEST_METHOD"] != "POST":
            return 405
        body = _body(environ)
        if body is None:
            return 413
        if not is_signed(body, environ.get("HTTP_X_LINE_SIGNATURE", ""), self.secret):
            return 401
        try:
            self.letterbox.drop(body)
        except SQLAlchemyError as error:  # what could not be stored is never acknowledged
            log.error("webhook not stored", error=type(error).__name__)
            return 503
        return 200


def _body(environ: Environ) -> bytes | None:
    """What was sent; None when it is too large. A proxy may pass it on in chunks, without its length."""
    told = environ.get("CONTENT_LENGTH") or ""
    limit = LARGEST_BODY + 1 if environ.get("wsgi.input_terminated") else 0
    length = int(told) if told.isdecimal() else limit
    if told and length > LARGEST_BODY:
        return None
    body: bytes = environ["wsgi.input"].read(length)
    return body if len(body) <= LARGEST_BODY else None


def _refused(status: int, start_response: StartResponse) -> Iterable[bytes]:
    code, detail = REFUSALS[status]
    told = {"type": "about:blank", "status": status, "code": code, "title": code.replace("_", " "), "detail": detail}
    body = json.dumps(told).encode()
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    start_response(f"{status} {HTTPStatus(status).phrase}", [*headers, *HEADERS.get(status, [])])
    return [body]
