"""What the doors share inside a request: the session, the moment, the language, the shape of a refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Response, current_app, g, json, request
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
)
from sqlalchemy.orm import Session

from domain.errors import Refusal
from domain.wording import LANGUAGES, language_of, say
from models.clock import Clock
from models.session import Sessions

READING_METHODS = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Service:
    """What the composition root hands to the doors. Secrets are plain strings here; never log one."""

    sessions: Sessions
    clock: Clock
    secret_key: str
    public_url: str
    channel_secret: str
    login_channel_id: str
    liff_id: str
    practice_origin: str = ""  # the simulator's address; empty in production
    metrics_key: str = ""
    extra: dict[str, Any] = field(default_factory=dict)  # LINE clients and verifiers, by name

    @property
    def practice(self) -> bool:
        return bool(self.practice_origin)

    @property
    def secure(self) -> bool:
        """Whether cookies may insist on HTTPS."""
        return self.public_url.startswith("https://")


def service() -> Service:
    found: Service = current_app.extensions["regulars"]
    return found


def session() -> Session:
    """This request's session; closed (and what was not committed, rolled back) when the request ends.

    GET requests get one that does not take SQLite's write lock: they write through `writing()`.
    """
    if "session" not in g:
        # `g.hurried`: the door would rather answer 503 than let a person wait for the database.
        reading, hurried = request.method in READING_METHODS, g.get("hurried", False)
        g.session = service().sessions.open(reading=reading, hurried=hurried)
    opened: Session = g.session
    return opened


@contextmanager
def writing() -> Iterator[Session]:
    """A short transaction of its own, for what a GET must note down (an opening, an audit line)."""
    with service().sessions.open(hurried=g.get("hurried", False)) as own:
        yield own
        own.commit()


def now() -> datetime:
    """The business's now, one moment for the whole request."""
    if "now" not in g:
        g.now = service().clock.now(session())
    moment: datetime = g.now
    return moment


def language() -> str:
    """The asker's language: chosen (`?lang=`, cookie, or set by the door in `g.language`), else the browser's."""
    chosen = request.args.get("lang") or g.get("language") or request.cookies.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    return language_of(request.accept_languages.best_match(["zh", "ja", "th", "en"], default="zh"))


def words(message: str, **values: Any) -> str:
    """`message` in the asker's language; `_` in templates."""
    return say(language(), message, **values)


def problem(refusal: Refusal, **more: Any) -> Response:
    """RFC 9457: the one error shape of every JSON door."""
    return problem_of(refusal.status, refusal.code, words(refusal.message, **refusal.values), **more)


def problem_of(status: int, code: str, detail: str, **more: Any) -> Response:
    body = {"type": "about:blank", "status": status, "code": code, "title": code.replace("_", " "), "detail": detail}
    return Response(json.dumps({**body, **more}), status, mimetype="application/problem+json")


def security_headers(
    response: Response, *, others: tuple[str, ...] = (), framed_by: str = "'none'", camera: bool = False
) -> Response:
    """What every page says to the browser: only our own scripts and styles, plus those of `others`, nothing inline."""
    policy = (
        ContentSecurityPolicy().default_src("'none'").script_src("'self'", *others).style_src("'self'")
        .img_src("'self'", "data:", "blob:", *others).font_src("'self'").connect_src("'self'", *others)
        .manifest_src("'self'").form_action("'self'").base_uri("'none'").frame_ancestors(framed_by)
    )  # fmt: skip
    permissions = PermissionsPolicy().geolocation().microphone().camera(*(["self"] if camera else []))
    headers = Secure(
        csp=policy,
        xcto=XContentTypeOptions().nosniff(),
        referrer=ReferrerPolicy().same_origin(),
        permissions=permissions,
        coop=CrossOriginOpenerPolicy().same_origin(),
        hsts=StrictTransportSecurity().max_age(31_536_000) if service().secure else None,
    )
    for name, value in headers.header_items():
        response.headers.setdefault(name, value)
    return response


def close_session(_error: BaseException | None = None) -> None:
    opened: Session | None = g.pop("session", None)
    if opened is not None:
        opened.close()
