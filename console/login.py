"""Signing in and out, and the one-time link that sets a password."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, login_user, logout_user
from werkzeug.wrappers import Response

import door
from console import roles, second_factor
from console.links import inside
from console.shell import csrf
from domain.errors import NotSignedIn
from domain.operations import staffing
from models.staff import Staff

blueprint = Blueprint("login", __name__)

# A working day; a phone left in a drawer is signed out by the next morning.
SESSION_LIFE = timedelta(hours=12)
# How long a right password waits for its second factor.
SECOND_FACTOR_WAIT = 300


def prepare(app: Flask) -> None:
    """Lets Flask-Login find the staff behind a cookie, and keeps CSRF tokens to the console."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,  # the other doors have signatures, keys or same-origin JSON
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    csrf.init_app(app)
    manager = LoginManager()
    # Phones change address all day; a session ends by its age and version instead.
    manager.session_protection = None
    manager.user_loader(_load)
    manager.init_app(app)


def limit(app: Flask) -> None:
    """Signing in from one address, per process: stops a flood; guessing one name is stopped by its lock."""
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", key_prefix="console")
    for name in ("check_password", "check_code", "accept"):
        endpoint = f"console.login.{name}"
        app.view_functions[endpoint] = limiter.limit("120 per minute")(app.view_functions[endpoint])


def _load(cookie_id: str) -> roles.SignedIn | None:
    staff_id, _, version = cookie_id.partition(":")
    if not staff_id.isdigit() or time.time() - session.get("since", 0) > SESSION_LIFE.total_seconds():
        return None
    row = door.session().get(Staff, int(staff_id))
    is_known = row is not None and row.disabled_at is None and str(row.session_version) == version
    return roles.SignedIn(row) if row is not None and is_known else None


def machine_now() -> datetime:
    """Sessions, lock-outs and links follow machine time, not practice time (design §6)."""
    return datetime.now(UTC)


@blueprint.get("/sign-in")
@roles.open_to_all
def sign_in() -> str:
    return render_template("console/sign_in.html", next=request.args.get("next", ""))


@blueprint.post("/sign-in")
@roles.open_to_all
def check_password() -> Any:
    login, password = request.form.get("login", ""), request.form.get("password", "")
    staff = staffing.count_try(door.session(), login, now=machine_now())
    door.session().commit()  # the try counts, and no transaction is open while the hash is computed
    is_right = staffing.password_matches(staff.password_hash if staff else None, password)
    if staff is None or not is_right:
        return _again(login)
    if staff.totp_secret:
        session["half_in"] = {"id": staff.id, "version": staff.session_version, "at": time.time()}
        return redirect(url_for("console.login.code", next=request.form.get("next")), 303)
    return _let_in(staff)


def _again(login: str) -> tuple[str, int]:
    flash(door.words(staffing.WRONG), "refused")
    return render_template("console/sign_in.html", login=login, next=request.form.get("next", "")), 401


@blueprint.get("/sign-in/code")
@roles.open_to_all
def code() -> Any:
    if _half_in() is None:
        return redirect(url_for("console.login.sign_in"), 303)
    return render_template("console/sign_in_code.html", next=request.args.get("next", ""))


@blueprint.post("/sign-in/code")
@roles.open_to_all
def check_code() -> Any:
    """The second factor. Its tries count towards the same lock as the password's."""
    waiting = _half_in()
    if waiting is None:
        return redirect(url_for("console.login.sign_in"), 303)
    staff = staffing.count_try(door.session(), waiting.login, now=machine_now())
    door.session().commit()
    secret = second_factor.opened(waiting.totp_secret or "", key=door.service().secret_key)
    step = second_factor.step_of(secret, request.form.get("code", ""), now=machine_now())
    try:
        staffing.use_code(door.session(), waiting, step=step)
    except NotSignedIn as refusal:
        flash(door.words(refusal.message), "refused")
        return render_template("console/sign_in_code.html", next=request.form.get("next", "")), 401
    session.pop("half_in", None)
    return _let_in(staff or waiting)


def _half_in() -> Staff | None:
    """Whose password was right a moment ago."""
    half = session.get("half_in") or {}
    if time.time() - half.get("at", 0) > SECOND_FACTOR_WAIT:
        return None
    staff = door.session().get(Staff, half["id"])
    is_same = staff is not None and staff.session_version == half["version"] and staff.totp_secret
    return staff if is_same and staff is not None and staff.disabled_at is None else None


def _let_in(staff: Staff) -> Response:
    staffing.signed_in(door.session(), staff, now=door.now())
    door.session().commit()
    start_session(staff)
    return redirect(inside(request.form.get("next")) or url_for("console.shell.home"), 303)


def start_session(staff: Staff) -> None:
    """A new cookie from nothing, so that one planted before signing in is worth nothing."""
    session.clear()
    session.permanent = True
    session["since"] = time.time()
    login_user(roles.SignedIn(staff))


@blueprint.post("/sign-out")
@roles.needs("staff")
def sign_out() -> Response:
    logout_user()
    session.clear()
    return redirect(url_for("console.login.sign_in"), 303)


@blueprint.get("/invite/<token>")
@roles.open_to_all
def invitation(token: str) -> str:
    staff = staffing.invited(door.session(), token, now=machine_now())
    return render_template("console/invite.html", staff=staff, token=token)


@blueprint.post("/invite/<token>")
@roles.open_to_all
def accept(token: str) -> Response:
    if request.form.get("password") != request.form.get("again"):
        flash(door.words("The password was not saved: the two did not match. Type it again in both."), "refused")
        return redirect(url_for("console.login.invitation", token=token), 303)
    staff = staffing.accept_invite(door.session(), token, password=request.form["password"], now=machine_now())
    door.session().commit()
    start_session(staff)
    return redirect(url_for("console.shell.home"), 303)
