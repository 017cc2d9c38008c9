"""Members: find a person, and see everything that happened with them on one page."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

import door
from console import member_page, roles
from console.people import people_page
from domain.errors import NotFound
from domain.operations import hand_tagging, marking, naming, noting, resolving
from domain.operations.auditing import audit
from domain.reports import doubles
from domain.reports.timeline import timeline
from domain.wording import mark
from models.card import is_card_number
from models.member import Friend, Member

blueprint = Blueprint("members", __name__, url_prefix="/members")

SHORTEST_PART = 4  # digits of a phone that a marketer may search for


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    """Everyone, newest first, or those a search finds."""
    asked, after = request.args.get("q", "").strip()[:100], request.args.get("after")
    found = people_page(door.session(), found_by(door.session(), asked, contacts=roles.may("marketer")), after=after)
    more = url_for("console.members.page", q=asked or None, after=found.next_after) if found.next_after else ""
    return render_template(
        "console/members.html", found=found, asked=asked, next_url=more, is_first=not after,
        doubles_open=doubles.count_open(door.session()) if roles.may("marketer") else 0,
        first_url=url_for("console.members.page", q=asked or None),
    )  # fmt: skip


def found_by(session: Session, asked: str, *, contacts: bool) -> Select[tuple[int]]:
    """The people a search finds: by name, member_ref or card; by phone and e-mail for who may see those."""
    living = select(Member.id).where(Member.merged_into_id.is_(None))
    if not asked:
        return living.where(Member.erased_at.is_(None))
    shown_name = select(Friend.member_id).where(Friend.display_name.icontains(asked, autoescape=True))
    matches: list[ColumnElement[bool]] = [
        Member.name.icontains(asked, autoescape=True),
        Member.id.in_(shown_name),
        Member.id.in_(naming.find_members(session, [asked]).values() if contacts else []),
        Member.ref == asked,
        *_by_card(asked),
    ]
    return living.where(or_(*matches, *(_by_contact(asked) if contacts else [])))


def _by_card(asked: str) -> list[ColumnElement[bool]]:
    digits = "".join(asked.split())
    return [Member.card_number == digits] if is_card_number(digits) else []


def _by_contact(asked: str) -> list[ColumnElement[bool]]:
    digits = "".join(sign for sign in asked if sign.isdigit()).lstrip("0")
    parts = [Member.phone.contains(digits, autoescape=True)] if len(digits) >= SHORTEST_PART else []
    return [*parts, *([Member.email.icontains(asked, autoescape=True)] if "@" in asked else [])]


@blueprint.get("/<ref>")
@roles.needs("viewer")
def show(ref: str) -> str:
    """One person. Contacts are for marketers only; that their page was opened is audited."""
    member = the_member(ref)
    with door.writing() as own:
        audit(own, staff_id=roles.me().id, action="opened", member_id=member.id, data={"by": "page"}, now=door.now())
    told = timeline(
        door.session(), member, language=door.language(), before=_asked_moment(), reads_texts=roles.may("marketer")
    )
    facts = member_page.facts(door.session(), member, language=door.language(), now=door.now())
    more = url_for("console.members.show", ref=ref, before=told.next_before.isoformat()) if told.next_before else ""
    return render_template(
        "console/member.html", member=member, told=told, next_url=more, is_first=_asked_moment() is None, **facts
    )


def the_member(ref: str) -> Member:
    member = door.session().scalar(select(Member).where(Member.ref == ref))
    if member is None:
        raise NotFound(mark("There is no such person. Search for them again."))
    return member


def _asked_moment() -> datetime | None:
    try:
        moment = datetime.fromisoformat(request.args.get("before", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


@blueprint.post("/<ref>/notes")
@roles.needs("marketer")
def write_note(ref: str) -> Any:
    person = resolving.the_person(door.session(), the_member(ref))
    noting.write(door.session(), person, text=request.form.get("text", ""), staff_id=roles.me().id, now=door.now())
    door.session().commit()
    flash(door.words("The note is saved."), "done")
    return redirect(url_for("console.members.show", ref=ref), 303)


@blueprint.post("/<ref>/tags")
@roles.needs("marketer")
def set_tag(ref: str) -> Any:
    """Gives a tag by hand, or takes one away."""
    session, key = door.session(), request.form.get("tag", "")
    act = hand_tagging.take_off if request.form.get("deed") == "take" else hand_tagging.put
    act(session, the_member(ref), key=key, staff_id=roles.me().id, now=door.now())
    session.commit()
    flash(door.words("Saved. It holds from now on."), "done")
    return redirect(url_for("console.members.show", ref=ref), 303)


@blueprint.post("/<ref>/marks")
@roles.needs("marketer")
def set_marks(ref: str) -> Any:
    """Says whether a person is one of us or made for trying things out."""
    marking.set_marks(
        door.session(), the_member(ref), is_test="test" in request.form, is_staff="staff" in request.form,
        staff_id=roles.me().id, now=door.now(),
    )  # fmt: skip
    door.session().commit()
    flash(door.words("Saved. It holds from now on."), "done")
    return redirect(url_for("console.members.show", ref=ref), 303)
