"""Who is using the mini-app: our own session after one ID token, and the guards of every screen's API.

`person()` is whoever opened it; `member()` is the same once registered; `trace()` is the send that led here.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import Response, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select

import door
from domain.errors import Invalid, NotAllowed, NotSignedIn
from domain.operations import resolving
from domain.operations.converting import NOWHERE, Trace
from domain.wording import LANGUAGES, mark
from models.member import Member

COOKIE, TRACE_COOKIE = "regulars_member", "regulars_trace"
PATH = "/liff"
LIFE_SECONDS = 12 * 3600  # of machine time
TRACE_LIFE = timedelta(hours=72)  # of business time
# Pages say whom they were opened by; two phones side by side in one browser share its cookies.
PERSON_HEADER = "Regulars-Person"
WITHOUT_SESSION = {"liff_login.open_session"}
WRITES = {"POST", "PUT", "PATCH", "DELETE"}

SIGN_IN = mark("We do not know who is asking, so nothing was done. Please open this page from LINE again.")
REGISTER = mark("This needs a member card, which you do not have yet. Make one first; it takes a minute.")


class WrongMediaType(Invalid):
    """Not sent as JSON."""

    code = "not_json"
    status = 415


def person() -> Member:
    """Whoever opened the mini-app. Raises NotSignedIn."""
    if "person" not in g:
        g.person = _person_of_cookie()
    found: Member | None = g.person
    if found is None or _opened_by_another():
        raise NotSignedIn(SIGN_IN)
    return found


def member() -> Member:
    """The same person as a registered member. Raises NotSignedIn, or NotAllowed with code not_registered."""
    found = person()
    if not found.is_member:
        raise NotAllowed(REGISTER, code="not_registered")
    return found


def trace() -> Trace:
    """The send whose link this person followed in the last 72 hours; `NOWHERE` when there is none."""
    kept = _read(TRACE_COOKIE, max_age=int(TRACE_LIFE.total_seconds()))
    if not isinstance(kept, dict) or kept.get("ref") != person().ref:
        return NOWHERE
    followed_at = datetime.fromtimestamp(kept["at"], UTC)
    fresh = door.now() - followed_at < TRACE_LIFE
    return Trace(campaign_id=kept["campaign"], message_id=kept["message"]) if fresh else NOWHERE


def person_mark(someone: Member) -> str:
    """What a page remembers of whom it was opened by; says nothing to anyone else."""
    return hashlib.sha256(f"{door.service().secret_key}|{someone.ref}".encode()).hexdigest()[:16]


def sign_in(response: Response, someone: Member) -> Response:
    """Puts our session of this person into the answer."""
    _set(response, COOKIE, someone.ref, LIFE_SECONDS)
    response.headers[PERSON_HEADER] = person_mark(someone)
    response.headers["Content-Language"] = someone.language or door.language()
    return response


def sign_out(response: Response) -> Response:
    for name in (COOKIE, TRACE_COOKIE):
        response.delete_cookie(name, path=PATH)
    return response


def keep_trace(response: Response, someone: Member, followed: Trace) -> Response:
    """Remembers the send that led here, for what this person does in the next 72 hours."""
    at = int(door.now().timestamp())
    kept = {"ref": someone.ref, "campaign": followed.campaign_id, "message": followed.message_id, "at": at}
    _set(response, TRACE_COOKIE, kept, int(TRACE_LIFE.total_seconds()))
    return response


def know_the_person() -> None:
    """Before every request: their language, chosen or from their record, is the page's."""
    g.person = _person_of_cookie()
    if g.person is not None and g.person.language in LANGUAGES:
        g.language = g.person.language


def require_person() -> None:
    """Before every request but signing in: whoever we do not know learns nothing, not even what is wrong with it."""
    if request.endpoint not in WITHOUT_SESSION:
        person()


def guard_writes() -> None:
    """Before every write: JSON, from our own pages. What a form on another site can send has neither."""
    if request.method not in WRITES:
        return
    if request.mimetype != "application/json":
        raise WrongMediaType(
            mark("This must be sent as JSON, so nothing was changed. Please send it as application/json.")
        )
    if request.headers.get("Origin", "").lower() not in _own_origins():
        raise NotAllowed(
            mark("This came from another site, so nothing was changed. Please open the page from LINE again."),
            code="wrong_origin",
        )


def _own_origins() -> set[str]:
    public = urlsplit(door.service().public_url)
    return {f"{public.scheme}://{public.netloc}".lower(), request.host_url.rstrip("/").lower()}


def _person_of_cookie() -> Member | None:
    ref = _read(COOKIE, max_age=LIFE_SECONDS)
    if not isinstance(ref, str):
        return None
    found = door.session().scalar(select(Member).where(Member.ref == ref))
    if found is None or found.erased_at:
        return None
    g.signed_in_as = found  # their own record, were it joined into another since
    return resolving.the_person(door.session(), found)


def _opened_by_another() -> bool:
    said = request.headers.get(PERSON_HEADER)
    return bool(said) and said != person_mark(g.signed_in_as)


def _serializer(name: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(door.service().secret_key, salt=name)


def _read(name: str, *, max_age: int) -> object:
    try:
        return _serializer(name).loads(request.cookies.get(name, ""), max_age=max_age)
    except BadSignature:
        return None


def _set(response: Response, name: str, value: object, life: int) -> None:
    response.set_cookie(
        name, _serializer(name).dumps(value), max_age=life, path=PATH,
        httponly=True, samesite="Lax", secure=door.service().secure,
    )  # fmt: skip
