"""Same person? Pairs of records that may be one, side by side, for staff to join or keep apart; and what was joined."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select

import door
from console import roles
from console.links import back
from domain.errors import Conflict, NotFound
from domain.operations import merging, naming, proposing, unmerging
from domain.reports import doubles
from domain.wording import mark
from models.member import Member
from models.merge import Merge, MergeProposal

blueprint = Blueprint("people_review", __name__, url_prefix="/same-person")

REASONS = {
    merging.BY_STAFF: mark("by staff"),
    merging.BY_PHONE: mark("by itself: the one was nothing but a phone that was verified as the other's"),
    merging.BY_LINE: mark("by itself: the one was nothing but a LINE account that the shop's file says is the other's"),
}
EVIDENCE = {
    ("phone", proposing.SAME): mark("Both were shown to have the phone %(value)s"),
    ("phone", proposing.SUGGESTS): mark("Both gave the phone %(value)s"),
    ("line", proposing.SAME): mark("Both go by the same LINE account"),
    ("email", proposing.SUGGESTS): mark("Both gave the e-mail %(value)s"),
    ("name_birthday", proposing.SUGGESTS): mark("The same name and birthday (%(value)s)"),
}
KINDS = {"phone": mark("Phone"), "email": mark("E-mail"), "card": mark("Card"), "shop": mark("Number in the shop")}


@blueprint.get("/")
@roles.needs("marketer")
def page() -> str:
    """The pairs that wait for somebody who knows."""
    session, after = door.session(), request.args.get("after", 0, type=int)
    pairs = doubles.open_pairs(session, after=after)
    last = pairs[-1].proposal if len(pairs) == doubles.PAGE else None
    return render_template(
        "console/same_person.html", pairs=pairs, count=doubles.count_open(session), is_first=not after,
        next_url=url_for("console.people_review.page", after=last.id) if last else "", **_words(),
    )  # fmt: skip


@blueprint.get("/joined")
@roles.needs("marketer")
def joined() -> str:
    """What was joined, to be looked at and undone."""
    session, after = door.session(), request.args.get("after", 0, type=int)
    found = doubles.joined(session, after=after)
    more = url_for("console.people_review.joined", after=found[-1].merge.id) if len(found) == doubles.PAGE else ""
    return render_template(
        "console/same_person_joined.html", found=found, count=doubles.count_open(session), next_url=more,
        is_first=not after, **_words(),
    )  # fmt: skip


@blueprint.get("/compare")
@roles.needs("marketer")
def compare() -> str:
    """Two people somebody wants to look at side by side: one by their page, the other by whatever names them."""
    session, asked = door.session(), request.args.get("other", "").strip()[:100]
    one = _person(request.args.get("one", ""))
    other_id = naming.find_members(session, [asked]).get(asked)
    if other_id is None or other_id == one.id:
        raise NotFound(mark("Nobody else was found by that. Use the whole phone, card number, e-mail or reference."))
    pair = doubles.pair_of(session, one, session.get_one(Member, other_id))
    return render_template("console/same_person_compare.html", pair=pair, **_words())


@blueprint.post("/join")
@roles.needs("marketer")
def join() -> Any:
    """The one that is kept answers for both from now on."""
    session, keep = door.session(), request.form.get("keep", "")
    one, other = (_person(request.form.get(name, "")) for name in ("first", "second"))
    if keep not in (one.ref, other.ref):
        raise Conflict(mark("Nothing was joined: say which of the two is kept."), code="keep_which")
    kept, gone = (one, other) if keep == one.ref else (other, one)
    proposal = doubles.pair_of(session, one, other).proposal
    evidence = {"found": proposal.evidence if proposal else []}
    merging.merge(session, kept, gone, staff_id=roles.me().id, evidence=evidence, now=door.now())
    session.commit()
    flash(door.words("Joined: they are one person now. You can undo this at any time."), "done")
    return redirect(url_for("console.members.show", ref=kept.ref), 303)


@blueprint.post("/<int:proposal_id>/apart")
@roles.needs("marketer")
def apart(proposal_id: int) -> Any:
    """They are two people, and are not asked about again unless something new speaks for it."""
    proposal = door.session().get(MergeProposal, proposal_id)
    if proposal is None:
        raise NotFound(mark("There is no such pair. Look at the list again."))
    proposing.keep_apart(door.session(), proposal, staff_id=roles.me().id, now=door.now())
    door.session().commit()
    flash(door.words("Noted: two people. We ask again only if something new speaks for it."), "done")
    return redirect(url_for("console.people_review.page"), 303)


@blueprint.post("/joined/<int:merge_id>/undo")
@roles.needs("marketer")
def undo(merge_id: int) -> Any:
    made = door.session().get(Merge, merge_id)
    if made is None:
        raise NotFound(mark("There is no such pair. Look at the list again."))
    unmerging.unmerge(door.session(), made, staff_id=roles.me().id, now=door.now())
    door.session().commit()
    flash(door.words("Parted: each has again what happened on their own record."), "done")
    return redirect(back(), 303)


def _person(ref: str) -> Member:
    found = door.session().scalar(select(Member).where(Member.ref == ref))
    if found is None:
        raise NotFound(mark("There is no such person. Search for them again."))
    return found


def _words() -> dict[str, Any]:
    return {
        "reason_words": {key: door.words(words) for key, words in REASONS.items()},
        "evidence_words": _evidence_words,
        "kind_words": {key: door.words(words) for key, words in KINDS.items()},
    }


def _evidence_words(each: dict[str, str]) -> str:
    words = EVIDENCE.get((each["kind"], each["strength"]))
    return door.words(words, value=each["value"]) if words else ""
