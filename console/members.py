"""Members: find a person, and see everything that happened with them on one page."""

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select

import door
from console import roles
from console.people import people_page
from domain.errors import NotFound
from domain.wording import mark
from models.member import Member

blueprint = Blueprint("members", __name__, url_prefix="/members")


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    """Everyone, newest first, or those a search finds."""
    after = request.args.get("after")
    found = people_page(door.session(), select(Member.id).where(Member.merged_into_id.is_(None)), after=after)
    next_url = url_for("console.members.page", after=found.next_after) if found.next_after else ""
    return render_template("console/members.html", found=found, next_url=next_url, is_first=not after)


@blueprint.get("/<ref>")
@roles.needs("viewer")
def show(ref: str) -> str:
    member = door.session().scalar(select(Member).where(Member.ref == ref))
    if member is None:
        raise NotFound(mark("There is no such person. Search for them again."))
    return render_template("console/member.html", member=member)
