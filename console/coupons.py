"""Coupons: how each does, where and by whom it is used, which versions of its terms are out, its codes, its claims."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

import door
from console import roles
from console.people import people_page
from console.shell import money_in_words
from console.surveys import chosen_segment, segment_choices
from domain.calendar import calendar_of
from domain.errors import Invalid, NotFound
from domain.messages import _coupon_words as coupon_words
from domain.operations import coupon_codes, voiding
from domain.reports import coupon_claims, coupon_figures
from domain.wording import mark, pick
from models.benefit import Coupon, CouponClaim

blueprint = Blueprint("coupons", __name__, url_prefix="/coupons")

LARGEST = 8_000_000  # bytes of a list of codes, as typed back from its preview
STATES = {
    "offered": mark("it was put before them"),
    "claimed": mark("have or had it"),
    "used": mark("used it"),
    "ended": mark("let it end"),
    "open": mark("still have it"),
}


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    session, now = door.session(), door.now()
    claims = coupon_figures.by_coupon(session, now=now)
    coupons = session.scalars(select(Coupon).order_by(Coupon.archived_at.is_not(None), Coupon.id.desc())).all()
    rows = [(coupon, claims.get(coupon.id, coupon_figures.Claims()), _left(coupon)) for coupon in coupons]
    return render_template("console/coupons.html", rows=rows, gives=gives, is_over=lambda each: _is_over(each, now))


@blueprint.get("/<key>")
@roles.needs("viewer")
def show(key: str) -> str:
    """One coupon with everything about it; `segment` narrows its figures."""
    session, now, coupon, segment = door.session(), door.now(), the_coupon(key), chosen_segment()
    claims = coupon_figures.of_coupon(session, coupon, segment_rule=segment.rule if segment else None, now=now)
    return render_template(
        "console/coupon.html", coupon=coupon, claims=claims, segment=segment, segment_choices=segment_choices(),
        offered=coupon_figures.offered(session, coupon, now=now),
        stores=coupon_figures.by_store(session, coupon, now=now),
        versions=coupon_figures.versions(session, coupon, now=now), pool=coupon_codes.pool(session, coupon),
        left=_left(coupon), limits=_limits, gives=gives, is_over=_is_over(coupon, now),
    )  # fmt: skip


@blueprint.get("/<key>/people/<state>")
@roles.needs("viewer")
def people(key: str, state: str) -> str:
    """The people behind one of its numbers."""
    session, coupon, now = door.session(), the_coupon(key), door.now()
    if state not in STATES:
        raise NotFound(mark("There is no such list. Choose a number on the coupon's page."))
    ids = (
        coupon_figures.offered_people(coupon, now=now) if state == "offered"
        else coupon_figures.claimed_people(coupon, state=state, now=now)
    )  # fmt: skip
    here = url_for("console.coupons.people", key=key, state=state)
    found = people_page(session, ids, after=request.args.get("after"))
    return render_template(
        "console/people_list.html", title=pick(coupon.title, door.language()) or key, lead=door.words(STATES[state]),
        found=found, here=here, back_url=url_for("console.coupons.show", key=key),
        back_words=door.words("Back to the coupon"),
        next_url=f"{here}?after={found.next_after}" if found.next_after else "",
    )  # fmt: skip


@blueprint.get("/<key>/claims")
@roles.needs("marketer")
def claims(key: str) -> str:
    """Who has it, one by one, to take back or give anew."""
    coupon, before = the_coupon(key), request.args.get("before", type=int)
    asked = request.args.get("q", "").strip()
    rows = coupon_claims.page(door.session(), coupon, asked=asked, before=before, now=door.now())
    more = (
        url_for("console.coupons.claims", key=key, q=asked or None, before=rows[-1].claim.id)
        if len(rows) == coupon_claims.PAGE else ""
    )  # fmt: skip
    return render_template(
        "console/coupon_claims.html", coupon=coupon, rows=rows, next_url=more, asked=asked, is_first=before is None,
        states=coupon_claims.STATES,
    )  # fmt: skip


@blueprint.post("/<key>/claims/<ref>/void")
@roles.needs("marketer")
def void(key: str, ref: str) -> BaseResponse:
    claim = _claim(key, ref)
    voiding.void(
        door.session(), claim.ref, reason=request.form.get("reason", ""), puts_back="puts_back" in request.form,
        staff_id=roles.me().id, now=door.now(),
    )  # fmt: skip
    return _done(key, door.words("Taken back. The member no longer sees it."))


@blueprint.post("/<key>/claims/<ref>/reissue")
@roles.needs("marketer")
def reissue(key: str, ref: str) -> BaseResponse:
    claim = _claim(key, ref)
    made = voiding.reissue(
        door.session(), claim.ref, reason=request.form.get("reason", ""), staff_id=roles.me().id, now=door.now()
    )
    return _done(key, door.words("Given anew under the same terms: %(ref)s.", ref=made.ref))


@blueprint.post("/<key>/codes/preview")
@roles.needs("marketer")
def preview(key: str) -> str:
    """What adding the file's codes would do; nothing is added yet."""
    coupon, chosen = the_coupon(key), request.files.get("file")
    if chosen is None or not chosen.filename:
        raise Invalid(mark("No code was added because no file was chosen. Choose a CSV file."))
    found = coupon_codes.preview(door.session(), coupon, coupon_codes.read(chosen.stream.read(LARGEST)))
    return render_template("console/coupon_codes.html", coupon=coupon, found=found, name=chosen.filename)


@blueprint.post("/<key>/codes")
@roles.needs("marketer")
def add_codes(key: str) -> BaseResponse:
    session, coupon = door.session(), the_coupon(key)
    codes = coupon_codes.read(request.form.get("codes", "").encode()).codes
    added = coupon_codes.add(session, coupon, codes, staff_id=roles.me().id, now=door.now())
    session.commit()
    flash(door.words("%(n)s codes are in the pool. From now on each coupon given takes one.", n=added), "done")
    return redirect(url_for("console.coupons.show", key=key) + "#codes", 303)


def the_coupon(key: str) -> Coupon:
    coupon = door.session().scalar(select(Coupon).where(Coupon.key == key))
    if coupon is None:
        raise NotFound(mark("There is no such coupon. Choose one from the list."))
    return coupon


def gives(coupon: Coupon) -> str:
    """What it gives, in words."""
    if coupon.kind == "amount_off":
        return door.words("%(amount)s off", amount=money_in_words(coupon.value))
    return (
        door.words("%(percent)s %% off", percent=coupon.value) if coupon.kind == "percent_off" else door.words("A gift")
    )


def _limits(terms: dict[str, Any]) -> list[str]:
    session, language = door.session(), door.language()
    lines = coupon_words.limits(session, terms, calendar_of(session), language, now=door.now())
    least = int(terms.get("min_spend") or 0)
    return [*([door.words("From %(amount)s on", amount=money_in_words(least))] if least else []), *lines]


def _left(coupon: Coupon) -> int | None:
    return None if coupon.stock is None else max(0, coupon.stock - coupon.issued)


def _is_over(coupon: Coupon, now: datetime) -> bool:
    ends = (coupon.claim_until, coupon.use_until)
    return coupon.archived_at is not None or any(end is not None and end < now for end in ends)


def _claim(key: str, ref: str) -> CouponClaim:
    found = select(CouponClaim).join(Coupon).where(Coupon.key == key, CouponClaim.ref == ref)
    claim = door.session().scalar(found)
    if claim is None:
        raise NotFound(mark("There is no such coupon in anybody's hands. Look at the list again."))
    return claim


def _done(key: str, words: str) -> BaseResponse:
    door.session().commit()
    flash(words, "done")
    return redirect(url_for("console.coupons.claims", key=key), 303)
