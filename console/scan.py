"""Scan: one person, found by what they show; who they are, what they have, and what to do about it."""

import re
from typing import Any

import zxingcpp
from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from PIL import Image, UnidentifiedImageError

import door
from console import counter, person_panel, roles, texting
from console.finding import find_at_counter
from console.shell import money_in_words
from domain.errors import Conflict, Invalid, NotFound, Refusal
from domain.money import to_minor
from domain.operations import checkin, joining, noting, redeeming, registering, selling, verifying, visiting
from domain.operations.auditing import audit
from domain.wording import mark
from models.benefit import CouponClaim
from models.codes import CLAIM_PREFIX, PREFIX
from models.member import Member
from models.programme import the_brand

blueprint = Blueprint("scan", __name__, url_prefix="/scan")

LARGEST_FRAME = 4_000_000  # bytes; a camera frame is a tenth of it


@blueprint.get("/")
@roles.needs("store")
def page() -> str:
    return render_template("console/scan.html", store=counter.my_store(), stores=counter.store_choices())


@blueprint.post("/")
@roles.needs("store")
def find() -> Any:
    """Opens the person behind a code, card number or phone; that it was opened, or tried, is audited."""
    session, text = door.session(), request.form.get("code", "")
    try:
        record = find_at_counter(session, text, secret=door.service().secret_key, now=door.now())
    except Refusal as refusal:
        audit(session, staff_id=roles.me().id, action="found_nobody", data={"why": refusal.code}, now=door.now())
        session.commit()
        raise
    by = "code" if text.strip().startswith((PREFIX, CLAIM_PREFIX)) else "number"
    member = counter.open_person(record)
    audit(session, staff_id=roles.me().id, action="opened", member_id=member.id, data={"by": by}, now=door.now())
    session.commit()
    return redirect(url_for("console.scan.person", ref=member.ref), 303)


@blueprint.post("/frame")
@roles.needs("store")
def frame() -> Response:
    """What a camera frame shows, for browsers that cannot read codes themselves. The frame is not kept."""
    if (request.content_length or 0) > LARGEST_FRAME:
        raise Invalid(mark("The picture was not read because it is too large. Type the code instead."))
    try:
        picture = Image.open(request.stream).convert("L")
    except (UnidentifiedImageError, OSError, ValueError):
        raise Invalid(mark("That was not a picture. Type the code instead.")) from None
    found = zxingcpp.read_barcodes(picture)
    return jsonify(code=found[0].text if found else None)


@blueprint.get("/people/<ref>")
@roles.needs("store")
def person(ref: str) -> str:
    """Everything staff need while the person stands before them."""
    member, store = counter.the_person(ref), counter.my_store()
    shown = person_panel.shown(door.session(), member, store, language=door.language(), now=door.now())
    return render_template(
        "console/scan_person.html", member=member, store=store, order_ref=selling.new_order_ref(),
        can_text=texting.texter() is not None, **shown,
    )  # fmt: skip


@blueprint.post("/people/<ref>/check-in")
@roles.needs("store")
def check_in(ref: str) -> Any:
    """Without a booking: a visit, on a seat of a running slot when one is chosen."""
    session, member, store = door.session(), counter.the_person(ref), counter.my_store()
    slot_id = request.form.get("slot", "")
    if slot_id.isdigit():
        person_panel.running_slot(session, store, int(slot_id), now=door.now())
        checkin.walk_in(session, member, slot_id=int(slot_id), staff_id=roles.me().id, now=door.now())
    else:
        visiting.visit(session, member, store, staff_id=roles.me().id, now=door.now())
    return _done(ref, door.words("Checked in. You can undo this for ten minutes."))


@blueprint.post("/people/<ref>/check-in/undo")
@roles.needs("store")
def undo_check_in(ref: str) -> Any:
    session, member = door.session(), counter.the_person(ref)
    visiting.undo(session, member, counter.my_store(), staff_id=roles.me().id, now=door.now())
    return _done(ref, door.words("Check-in taken back."))


@blueprint.post("/people/<ref>/coupons/<claim_ref>/<deed>")
@roles.needs("store")
def coupon(ref: str, claim_ref: str, deed: str) -> Any:
    """Redeems a coupon of this person, or takes that back."""
    session, member = door.session(), counter.the_person(ref)
    _own_claim(member, claim_ref)
    if deed == "redeem":
        redeeming.redeem(
            session, claim_ref, staff_id=roles.me().id, store_id=counter.my_store().id, amount=_typed_amount(),
            language=door.language(), now=door.now(),
        )  # fmt: skip
        return _done(ref, door.words("Coupon used. You can undo this for ten minutes."))
    if deed == "undo":
        redeeming.undo(session, claim_ref, staff_id=roles.me().id, now=door.now())
        return _done(ref, door.words("Taken back: the coupon is as before."))
    raise NotFound(mark("There is no such thing to do with a coupon. Open the page again."))


def _typed_amount() -> int | None:
    """The bill in minor units; None when none was typed, or what was typed is no amount."""
    typed = request.form.get("amount", "").strip()
    try:
        return to_minor(typed, the_brand(door.session()).currency)[0] if typed else None
    except ValueError:
        return None


def _own_claim(member: Member, claim_ref: str) -> CouponClaim:
    claim = redeeming.find(door.session(), claim_ref)
    if claim.member_id != member.id:
        raise NotFound(mark("This coupon is somebody else's. Scan their code to use it."))
    return claim


@blueprint.post("/people/<ref>/purchases")
@roles.needs("store")
def sell(ref: str) -> Any:
    session, member = door.session(), counter.the_person(ref)
    order_ref = request.form.get("order_ref", "").strip() or request.form.get("spare_ref", "")
    if not re.fullmatch(r"[\w./-]{1,64}", order_ref):
        raise Invalid(mark("The purchase was not recorded: the order number has signs in it that do not belong there."))
    purchase = selling.sell(
        session, member, counter.my_store(), amount=request.form.get("amount", ""), order_ref=order_ref,
        staff_id=roles.me().id, now=door.now(),
    )  # fmt: skip
    return _done(
        ref, door.words("Purchase of %(amount)s recorded. You can undo this for ten minutes.",
                        amount=money_in_words(purchase.net_amount)),
    )  # fmt: skip


@blueprint.post("/people/<ref>/purchases/<path:order_ref>/undo")
@roles.needs("store")
def take_back_sale(ref: str, order_ref: str) -> Any:
    member = counter.the_person(ref)
    selling.take_back(door.session(), member, order_ref=order_ref, staff_id=roles.me().id, now=door.now())
    return _done(ref, door.words("Purchase taken back."))


@blueprint.post("/people/<ref>/phone/<how>")
@roles.needs("store")
def phone(ref: str, how: str) -> Any:
    """Verifies a phone: staff saw it, or a code sent to it came back."""
    session, member = door.session(), counter.the_person(ref)
    typed = request.form.get("phone", "").strip() or member.phone or ""
    if how == "seen":
        _confirm(member, typed, how="seen")
        return _done(ref, door.words("The phone is verified."))
    if how == "send":
        return _send_code(ref, member, typed)
    number = verifying.use_code(session, member, code=request.form.get("code", ""), now=door.now())
    session.commit()  # a wrong try counts
    if number is None:
        raise Invalid(mark("The phone was not verified: the code did not match or is too old. Send a new one."))
    _confirm(member, number, how="code")
    return _done(ref, door.words("The phone is verified."))


def _confirm(member: Member, typed: str, *, how: str) -> None:
    """A phone of somebody else is refused, and a marketer is asked whether the two are one person."""
    session = door.session()
    try:
        verifying.confirm_phone(session, member, phone=typed, staff_id=roles.me().id, how=how, now=door.now())
    except Conflict:
        session.rollback()
        verifying.note_clash(session, member, phone=typed, now=door.now())
        session.commit()
        raise


def _send_code(ref: str, member: Member, typed: str) -> Any:
    send = texting.texter()
    if send is None:
        raise NotFound(mark("No code was sent: nothing here sends text messages. Look at the phone instead."))
    number, code = verifying.begin_code(
        door.session(), member, phone=typed, staff_id=roles.me().id, now=door.now()
    )  # fmt: skip
    brand = the_brand(door.session()).name
    door.session().commit()  # no transaction is open while the network is waited for
    send(number, door.words("%(code)s is your code for %(brand)s. It works for ten minutes.", code=code, brand=brand))
    flash(door.words("A code is on its way to the phone. Type it here."), "done")
    return redirect(url_for("console.scan.person", ref=ref, code="sent") + "#phone", 303)


@blueprint.post("/people/<ref>/notes")
@roles.needs("store")
def write_note(ref: str) -> Any:
    """What staff heard or saw; it stands on the person's page with their name."""
    member = counter.the_person(ref)
    noting.write(door.session(), member, text=request.form.get("text", ""), staff_id=roles.me().id, now=door.now())
    return _done(ref, door.words("The note is saved."))


def _done(ref: str, words: str) -> Any:
    door.session().commit()
    flash(words, "done")
    return redirect(url_for("console.scan.person", ref=ref), 303)


@blueprint.get("/register")
@roles.needs("store")
def registration() -> str:
    wording = joining.consent_wording(the_brand(door.session()), door.language())
    return render_template("console/register.html", wording=wording, typed={})


@blueprint.post("/register")
@roles.needs("store")
def register() -> Any:
    """Makes a member at the counter; what was typed stays on the page when something must be corrected."""
    typed, session = request.form, door.session()
    wording = joining.consent_wording(the_brand(session), door.language())
    try:
        member = registering.register_at_counter(
            session, name=typed.get("name", ""), phone=typed.get("phone") or None, email=typed.get("email") or None,
            birth_date=person_panel.typed_day(typed.get("birth_date", "")), consent=typed.get("consent") == "yes",
            consent_wording=wording, language=door.language(), store_id=counter.my_store().id,
            staff_id=roles.me().id, now=door.now(),
        )  # fmt: skip
    except Refusal as refusal:
        session.rollback()
        flash(door.words(refusal.message, **refusal.values), "refused")
        return render_template("console/register.html", wording=wording, typed=typed), refusal.status
    session.commit()
    counter.open_person(member)
    flash(door.words("%(name)s is a member now.", name=member.name or ""), "done")
    return redirect(url_for("console.scan.person", ref=member.ref), 303)
