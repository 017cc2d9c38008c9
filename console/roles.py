"""Who is asking, and what their role may do: the one guard of the console.

Every route carries `@needs(…)` (or `@open_to_all`); the shell refuses a route that carries neither.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, request
from flask_login import UserMixin, current_user

from domain.errors import NotAllowed, NotSignedIn
from domain.wording import mark
from models.staff import Staff

View = TypeVar("View", bound=Callable[..., Any])

# What each need lets in. `viewer` sees figures, `marketer` sees people and writes to them,
# `store` works at the counter, `owner` manages staff and takes data out, `staff` is everyone.
LETS_IN: dict[str, frozenset[str]] = {
    "viewer": frozenset({"viewer", "marketer", "owner"}),
    "marketer": frozenset({"marketer", "owner"}),
    "owner": frozenset({"owner"}),
    "store": frozenset({"store", "marketer", "owner"}),
    "staff": frozenset({"viewer", "marketer", "owner", "store"}),
}
ROLE_WORDS = {
    "owner": mark("Owner"),
    "marketer": mark("Marketer"),
    "store": mark("Store staff"),
    "viewer": mark("Viewer"),
}


class SignedIn(UserMixin):
    """The member of staff behind this request, as Flask-Login wants them."""

    def __init__(self, row: Staff) -> None:
        self.row = row

    def get_id(self) -> str:
        """Names the session version too: when it grows, every older cookie is worth nothing."""
        return f"{self.row.id}:{self.row.session_version}"


def needs(need: str) -> Callable[[View], View]:
    """Guards a view: only roles that `need` lets in pass. Written directly under the route."""
    allowed = LETS_IN[need]

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            check(allowed)
            return view(*args, **kwargs)

        guarded.needs = need  # type: ignore[attr-defined]  # read by the shell and by the guard test
        return guarded  # type: ignore[return-value]  # the same call, guarded

    return guard


def open_to_all(view: View) -> View:
    """Marks a view that people who are not signed in may use: signing in, and what its page is made of."""
    view.needs = "nobody"  # type: ignore[attr-defined]  # read by the shell and by the guard test
    return view


def check(allowed: frozenset[str]) -> None:
    """Raises NotSignedIn or NotAllowed unless one of the `allowed` roles is asking."""
    if not current_user.is_authenticated:
        raise NotSignedIn(mark("This page did not open because you are not signed in. Sign in to go on."))
    if me().role not in allowed:
        raise NotAllowed(
            mark("This page did not open because your role does not include it. Ask the owner if you need it.")
        )


def me() -> Staff:
    """The member of staff who is asking. Only inside a guarded view."""
    row: Staff = current_user.row
    return row


def may(need: str) -> bool:
    """Whether the asker's role includes `need`; for what a page shows."""
    return bool(current_user.is_authenticated) and me().role in LETS_IN[need]


def need_of(endpoint: str | None) -> str | None:
    """What a route asks for; None when it carries no guard."""
    view = current_app.view_functions.get(endpoint or "")
    found: str | None = getattr(view, "needs", None)
    return found


def refuse_unguarded() -> None:
    """A page without a guard is a mistake of ours: it stays shut rather than open."""
    is_static = (request.endpoint or "").endswith(".static")
    if not is_static and need_of(request.endpoint) is None:
        raise NotAllowed(mark("This page did not open because nobody was given access to it. Tell the owner."))
