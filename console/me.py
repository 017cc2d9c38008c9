"""Me: my language, my password, my second factor, my sessions."""

import io
from typing import Any

import segno
from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for

import door
from console import roles, second_factor
from console.login import machine_now, start_session
from domain.errors import Invalid, NotFound
from domain.operations import staffing
from domain.operations.auditing import audit
from domain.wording import mark
from models.programme import the_brand
from models.store import Store

blueprint = Blueprint("me", __name__, url_prefix="/me")


@blueprint.get("/")
@roles.needs("staff")
def page() -> str:
    store = door.session().get(Store, roles.me().store_id) if roles.me().store_id else None
    return render_template("console/me.html", store=store, pending=session.get("new_factor"))


@blueprint.post("/language")
@roles.needs("staff")
def language() -> Any:
    staffing.choose_language(roles.me(), request.form.get("language", ""))
    door.session().commit()
    return redirect(url_for("console.me.page"), 303)


@blueprint.post("/password")
@roles.needs("staff")
def password() -> Any:
    """A new password, for who knows the old one. Every other session of theirs ends."""
    login, known_hash = roles.me().login, roles.me().password_hash
    door.session().rollback()  # nothing is locked while the hash is computed
    if not staffing.password_matches(known_hash, request.form.get("old", "")):
        raise Invalid(mark("The password was not changed: the present one did not match. Type it again."))
    row = staffing.find(door.session(), login)
    staffing.set_password(row, request.form.get("new", ""))
    audit(door.session(), staff_id=row.id, action="password_set", object=f"staff:{row.login}", now=door.now())
    door.session().commit()
    start_session(row)
    flash(door.words("The password is changed. Your other devices are signed out."), "done")
    return redirect(url_for("console.me.page"), 303)


@blueprint.post("/sign-out-everywhere")
@roles.needs("staff")
def sign_out_everywhere() -> Any:
    staffing.end_sessions(door.session(), roles.me(), by_id=roles.me().id, now=door.now())
    door.session().commit()
    session.clear()
    return redirect(url_for("console.login.sign_in"), 303)


@blueprint.post("/second-factor/begin")
@roles.needs("staff")
def begin_second_factor() -> Any:
    """Shows a new secret; nothing is stored until a code of it was typed."""
    # The cookie is signed, not secret to its holder: it is their own secret anyway, sealed all the same.
    session["new_factor"] = second_factor.sealed(second_factor.new_secret(), key=door.service().secret_key)
    return redirect(url_for("console.me.page") + "#second-factor", 303)


@blueprint.get("/second-factor.svg")
@roles.needs("staff")
def second_factor_code() -> Response:
    secret = _pending_secret()
    if secret is None:
        raise NotFound(mark("There is no code to show. Begin the second factor again."))
    brand = the_brand(door.session()).name
    drawn = io.BytesIO()
    segno.make(second_factor.address(secret, login=roles.me().login, brand=brand)).save(
        drawn, kind="svg", scale=4, light="#fff"
    )
    answer = Response(drawn.getvalue(), mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/second-factor/on")
@roles.needs("staff")
def second_factor_on() -> Any:
    step = second_factor.step_of(_pending_secret(), request.form.get("code", ""), now=machine_now())
    if step is None:
        raise Invalid(mark("The second factor is still off: the code did not match. Type the newest one."))
    sealed = session.pop("new_factor")
    staffing.set_second_factor(door.session(), roles.me(), secret=sealed, now=door.now())
    staffing.use_code(door.session(), roles.me(), step=step)
    door.session().commit()
    flash(door.words("The second factor is on. From now on signing in asks for a code."), "done")
    return redirect(url_for("console.me.page"), 303)


@blueprint.post("/second-factor/off")
@roles.needs("staff")
def second_factor_off() -> Any:
    secret = second_factor.opened(roles.me().totp_secret or "", key=door.service().secret_key)
    step = second_factor.step_of(secret, request.form.get("code", ""), now=machine_now())
    if step is None:
        raise Invalid(mark("The second factor is still on: the code did not match. Type the newest one."))
    staffing.set_second_factor(door.session(), roles.me(), secret=None, now=door.now())
    door.session().commit()
    flash(door.words("The second factor is off."), "done")
    return redirect(url_for("console.me.page"), 303)


def _pending_secret() -> str | None:
    return second_factor.opened(session.get("new_factor", ""), key=door.service().secret_key)
