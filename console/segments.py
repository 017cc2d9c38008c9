"""Segments: build a rule part by part, see at once who it is, keep it, write to them."""

import csv
import io
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, stream_with_context, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

import door
from console import roles, rule_form
from console.people import people_page, some_people
from domain.errors import Refusal
from domain.operations import segmenting, tagging
from domain.operations.auditing import audit
from domain.operations.segmenting import people_in
from domain.rules import Names, conditions, context_of, names_of, sentence, validate
from models.member import Friend, Member
from models.programme import Segment

blueprint = Blueprint("segments", __name__, url_prefix="/segments")

FACES = 10


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    """The saved segments, each as the sentence it is."""
    session, names = door.session(), _names()
    context = context_of(session, door.now())
    rows = [
        (segment, sentence(segment.rule, door.language(), names), segmenting.counted(session, segment.rule, context))
        for segment in segmenting.live(session)
    ]
    as_of = min((counted.as_of for _, _, counted in rows if counted.as_of), default=None)
    return render_template("console/segments.html", rows=rows, as_of=as_of)


@blueprint.get("/new")
@roles.needs("marketer")
def new() -> str:
    return _editor(rule_form.part_of({}), name="")


@blueprint.get("/<key>")
@roles.needs("viewer")
def show(key: str) -> str:
    segment = segmenting.named(door.session(), key)
    return _editor(rule_form.part_of(segment.rule), name=segment.name, segment=segment)


@blueprint.post("/piece")
@roles.needs("viewer")
def piece() -> Any:
    """What the rule being built means now: each part in words, and who it is."""
    root = rule_form.read(request.form)
    return jsonify(words=_part_words(root), html=preview(root))


@blueprint.post("/edit")
@roles.needs("viewer")
def edit() -> Any:
    """Adds or removes a part; our script takes the builder alone, a browser without scripts the whole page."""
    root = rule_form.change(rule_form.read(request.form), request.form.get("do", ""))
    if request.headers.get("X-Piece"):
        return render_template("console/_builder.html", root=root, names=_names(), condition_menu=condition_menu())
    key = request.form.get("key")
    segment = segmenting.named(door.session(), key) if key else None
    return _editor(root, name=request.form.get("name", ""), segment=segment)


@blueprint.post("/save")
@roles.needs("marketer")
def save() -> BaseResponse:
    key, version = request.form.get("key") or None, request.form.get("version", type=int)
    segment = segmenting.save(
        door.session(), key=key, name=request.form.get("name", ""), rule=rule_form.read(request.form).rule(),
        version=version, now=door.now(),
    )  # fmt: skip
    _audited("segment_saved", segment, {"version": segment.version, "rule": segment.rule})
    flash(door.words("Saved “%(name)s”.", name=segment.name), "done")
    return redirect(url_for("console.segments.show", key=segment.key), 303)


@blueprint.post("/<key>/archive")
@roles.needs("marketer")
def archive(key: str) -> BaseResponse:
    segment = segmenting.named(door.session(), key)
    segmenting.archive(door.session(), key=key, now=door.now())
    _audited("segment_archived", segment, {})
    flash(door.words("“%(name)s” is off the list. Sends that used it keep it.", name=segment.name), "done")
    return redirect(url_for("console.segments.page"), 303)


@blueprint.post("/<key>/tag")
@roles.needs("marketer")
def keep_as_tag(key: str) -> BaseResponse:
    """The segment's rule as a tag: given and taken each night, with its reason."""
    segment = segmenting.named(door.session(), key)
    tag = tagging.keep(door.session(), key=key, name=segment.name, rule=segment.rule, language=door.language())
    _audited("tag_rule_saved", segment, {"tag": tag.key, "rule_version": tag.rule_version})
    flash(
        door.words("“%(name)s” is a tag now. It is given and taken every night by this rule.", name=segment.name),
        "done",
    )
    return redirect(url_for("console.segments.show", key=key), 303)


@blueprint.get("/<key>/people")
@roles.needs("viewer")
def people(key: str) -> str:
    session = door.session()
    segment = segmenting.named(session, key)
    here = url_for("console.segments.people", key=key)
    found = people_page(
        session, people_in(segment.rule, context_of(session, door.now())), after=request.args.get("after")
    )
    return render_template(
        "console/people_list.html", title=segment.name, lead=sentence(segment.rule, door.language(), _names()),
        found=found, here=here, back_url=url_for("console.segments.show", key=key), back_words=segment.name,
        next_url=f"{here}?after={found.next_after}" if found.next_after else "",
    )  # fmt: skip


@blueprint.get("/<key>/people.csv")
@roles.needs("owner")
def export(key: str) -> Response:
    """The list as a file that spreadsheets open; taking it out is noted."""
    segment = segmenting.named(door.session(), key)
    with door.writing() as session:
        audit(session, staff_id=roles.me().id, action="segment_exported", object=f"segment:{key}", now=door.now())
    lines = stream_with_context(_csv_lines(segment))
    headers = {"Content-Disposition": f'attachment; filename="{key}.csv"'}
    return Response(lines, mimetype="text/csv; charset=utf-8", headers=headers)


def _csv_lines(segment: Segment) -> Iterator[str]:
    session = door.session()
    ids = people_in(segment.rule, context_of(session, door.now()))
    query = select(Member, Friend.user_id).outerjoin(Friend, Friend.member_id == Member.id).where(Member.id.in_(ids))
    yield "\ufeff" + _csv_line(["member_ref", "line_user_id", "name", "phone", "email", "language"])
    for member, user_id in session.execute(query.order_by(Member.id).execution_options(yield_per=1000)):
        yield _csv_line([member.ref, user_id, member.name, member.phone, member.email, member.language])


def _csv_line(values: list[Any]) -> str:
    buffer = io.StringIO()
    # A cell that begins like a formula is one, to a spreadsheet.
    safe = [f"'{value}" if str(value or "")[:1] in ("=", "+", "-", "@", "\t") else value or "" for value in values]
    csv.writer(buffer).writerow(safe)
    return buffer.getvalue()


def _editor(root: rule_form.Part, *, name: str, segment: Segment | None = None) -> str:
    return render_template(
        "console/segment.html", root=root, names=_names(), name=name, segment=segment,
        condition_menu=condition_menu(), preview=preview(root),
    )  # fmt: skip


def preview(root: rule_form.Part) -> str:
    """The whole rule as a sentence, its count and ten faces; or what is still missing."""
    session, names = door.session(), _names()
    try:
        rule = validate(root.rule())
    except Refusal as refusal:
        missing = door.words(refusal.message, **refusal.values)
        return render_template("console/_segment_preview.html", missing=missing)
    context = context_of(session, door.now())
    counted = segmenting.counted(session, rule, context, faces=FACES)
    faces = some_people(session, counted.newest, size=FACES)
    words = sentence(rule, door.language(), names)
    return render_template(
        "console/_segment_preview.html", words=words, count=counted.count, as_of=counted.as_of, faces=faces
    )


def _part_words(root: rule_form.Part) -> dict[str, str]:
    names = _names()
    parts = [part for part in root.every() if not part.join]
    return {part.path: part.words(door.language(), names) or "" for part in parts}


def condition_menu() -> list[tuple[str, list[Any]]]:
    """Conditions by their group, for the builder's menu."""
    return [(group, list(several)) for group, several in groupby(conditions().values(), lambda each: each.group)]


def _names() -> Names:
    return names_of(door.session(), door.language())


def _audited(action: str, segment: Segment, data: dict[str, Any]) -> None:
    audit(
        door.session(),
        staff_id=roles.me().id,
        action=action,
        object=f"segment:{segment.key}",
        data=data,
        now=door.now(),
    )
    door.session().commit()
