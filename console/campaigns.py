"""Campaigns: write a message, choose who, see beforehand who gets it and why not, approve."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

import door
from console import roles, rule_form
from console.people import PeoplePage, people_page
from console.segments import condition_menu, preview
from domain.calendar import calendar_of
from domain.errors import Invalid
from domain.messages import campaign_card
from domain.operations import controlling, drafting, dry_running, participating, personalising, segmenting
from domain.operations.auditing import audit
from domain.operations.segmenting import people_in
from domain.rules import context_of, names_of
from domain.wording import mark, pick
from models.campaign import Campaign
from models.member import Friend, Member
from models.programme import Tag, the_brand

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")

STATES = {
    "draft": mark("Draft"),
    "approved": mark("Approved"),
    "freezing": mark("Getting ready"),
    "sending": mark("Sending"),
    "paused": mark("Paused"),
    "stopped": mark("Stopped"),
    "sent": mark("Sent"),
    "cancelled": mark("Cancelled"),
    "standing": mark("Automation"),
    "imported": mark("Imported"),
}
# What a person did not get it for, and what became of it: the same words before and after.
OUTCOMES = {
    "gets": mark("will get it"),
    "sent": mark("sent"),
    "ready": mark("still to be sent"),
    "held_out": mark("held out, to see the effect"),
    "cap": mark("had enough messages this week"),
    "blocked": mark("have blocked us"),
    "no_line_id": mark("have no LINE with us"),
    "opted_out": mark("have not agreed to marketing"),
    "care_open": mark("were unhappy and wait to hear from staff"),
    "sold_out": mark("would have been promised a coupon that had run out"),
    "coupon_ended": mark("would have been promised a coupon that had ended"),
    "switched_off": mark("were waiting when it was switched off"),
    "erased": mark("have left us"),
    "expired": mark("too late to be worth sending"),
    "stopped": mark("stopped before their turn"),
    "failed": mark("refused by LINE"),
    "unsure": mark("not known whether it arrived"),
    "reached": mark("reached"),
    "answered": mark("answered"),
    "not_answered": mark("reached, no answer"),
}
SHOWN_AT_MOST = 200


def outcome_words(outcome: str) -> str:
    return door.words(OUTCOMES[outcome]) if outcome in OUTCOMES else outcome


@blueprint.get("/")
@roles.needs("viewer")
def page() -> str:
    """All sends of ours, newest first."""
    ours = select(Campaign).where(Campaign.kind == "campaign").order_by(Campaign.id.desc()).limit(SHOWN_AT_MOST)
    return render_template("console/campaigns.html", campaigns=door.session().scalars(ours).all(), states=STATES)


@blueprint.post("/new")
@roles.needs("marketer")
def new() -> BaseResponse:
    """A new draft, to a segment when one is named."""
    session, key = door.session(), request.form.get("segment")
    name = segmenting.named(session, key).name if key else door.words("New campaign")
    campaign = drafting.create(session, name=name, staff_id=roles.me().id, now=door.now())
    if key:
        chosen = {"audience_rule": segmenting.named(session, key).rule, "compare_segments": [key]}
        drafting.edit(
            session, ref=campaign.ref, edit_version=campaign.edit_version, changes=chosen, staff_id=roles.me().id,
            now=door.now(),
        )  # fmt: skip
    return _done(campaign, "campaign_drafted")


@blueprint.get("/<ref>")
@roles.needs("viewer")
def show(ref: str) -> Any:
    """A draft opens for writing; anything later shows how it went."""
    campaign = drafting.named(door.session(), ref)
    if campaign.state != "draft" or not roles.may("marketer"):
        return redirect(url_for("console.sending.show", ref=ref))
    return _editor(campaign, rule_form.part_of(campaign.audience_rule), campaign.content)


@blueprint.post("/<ref>")
@roles.needs("marketer")
def save(ref: str) -> BaseResponse:
    session = door.session()
    read_version = request.form.get("edit_version", 0, type=int)
    campaign = drafting.edit(
        session, ref=ref, edit_version=read_version, changes=_written(), staff_id=roles.me().id, now=door.now()
    )
    if request.form.get("then") == "test":
        return _send_test(campaign)
    flash(door.words("Saved. Below is who would get it now."), "done")
    return _done(campaign, "campaign_edited", anchor="dry")


@blueprint.post("/<ref>/piece")
@roles.needs("marketer")
def piece(ref: str) -> Any:
    """The message and the audience as they are being written."""
    campaign, root = drafting.named(door.session(), ref), rule_form.read(request.form)
    names = names_of(door.session(), door.language())
    words = {part.path: part.words(door.language(), names) or "" for part in root.every() if not part.join}
    return jsonify(words=words, html=preview(root), phone=_phone(campaign, _content()))


@blueprint.post("/<ref>/edit")
@roles.needs("marketer")
def edit(ref: str) -> str:
    """Adds or removes a condition of the audience; also starts from a saved segment."""
    campaign, act = drafting.named(door.session(), ref), request.form.get("do", "")
    root = rule_form.change(rule_form.read(request.form), act)
    chosen = request.form.get("from_segment")
    if act == "start" and chosen:
        root = rule_form.part_of(segmenting.named(door.session(), chosen).rule)
    if request.headers.get("X-Piece"):
        names = names_of(door.session(), door.language())
        return render_template("console/_builder.html", root=root, names=names, condition_menu=condition_menu())
    return _editor(campaign, root, _content())


@blueprint.get("/<ref>/dry-run")
@roles.needs("viewer")
def dry(ref: str) -> str:
    """Who would get the saved draft, who not and why; nothing happens."""
    session, campaign = door.session(), drafting.named(door.session(), ref)
    foreseen = dry_running.dry_run(session, campaign, now=door.now())
    wrong = drafting.problems(campaign.content)
    counts = {"gets": foreseen.gets, **foreseen.reasons}
    return render_template(
        "console/_dry_run.html", campaign=campaign, dry=foreseen, bar=bar_of(counts),
        outcome_words=outcome_words, sample_names=_sample_names([each.member_id for each in foreseen.samples]),
        wrong=door.words(wrong.message, **wrong.values) if wrong else "", states=STATES,
        needs_another=controlling.needs_another(session, campaign, roles.me().id),
    )  # fmt: skip


@blueprint.get("/<ref>/would/<outcome>")
@roles.needs("viewer")
def would(ref: str, outcome: str) -> str:
    """The people behind one part of the dry run."""
    session, campaign = door.session(), drafting.named(door.session(), ref)
    after = request.args.get("after", 0, type=int)
    asked = None if outcome == "gets" else outcome
    ids = dry_running.people(session, campaign, asked, now=door.now(), after=after)
    foreseen = dry_running.dry_run(session, campaign, now=door.now())
    count = foreseen.gets if asked is None else foreseen.reasons.get(outcome, 0)
    here = url_for("console.campaigns.would", ref=ref, outcome=outcome)
    found = people_page(session, ids)
    return render_template(
        "console/people_list.html", title=campaign.name, lead=outcome_words(outcome), here=here,
        found=PeoplePage(found.people, count, None), back_url=url_for("console.campaigns.show", ref=ref),
        back_words=campaign.name, next_url=f"{here}?after={ids[-1]}" if len(ids) == dry_running.PAGE else "",
    )  # fmt: skip


@blueprint.post("/<ref>/approve")
@roles.needs("marketer")
def approve(ref: str) -> BaseResponse:
    campaign = controlling.approve(
        door.session(), ref=ref, edit_version=request.form.get("edit_version", 0, type=int), staff_id=roles.me().id,
        accept_over_allowance=bool(request.form.get("accept_over_allowance")),
        goes_on_until=moment_written(request.form.get("goes_on_until", "")), now=door.now(),
    )  # fmt: skip
    return _done(campaign, "campaign_approved")


@blueprint.post("/<ref>/copy")
@roles.needs("marketer")
def copy(ref: str) -> BaseResponse:
    campaign = drafting.copy(door.session(), ref=ref, staff_id=roles.me().id, now=door.now())
    return _done(campaign, "campaign_copied")


def _send_test(campaign: Campaign) -> BaseResponse:
    session = door.session()
    testers = session.scalars(select(Member).where(or_(Member.is_test, Member.is_staff))).all()
    reached = drafting.test_send(session, ref=campaign.ref, testers=list(testers), now=door.now())
    if not reached:
        raise Invalid(
            mark("No test was sent because nobody is marked as a tester. Mark people as test or staff on their page."),
            code="no_testers",
        )
    flash(door.words("Sent to %(n)s testers. It counts nowhere.", n=reached), "done")
    return _done(campaign, "campaign_tested")


def _done(campaign: Campaign, action: str, *, anchor: str | None = None) -> BaseResponse:
    session = door.session()
    data = {"edit_version": campaign.edit_version}
    audit(session, staff_id=roles.me().id, action=action, object=f"campaign:{campaign.ref}", data=data, now=door.now())
    session.commit()
    return redirect(url_for("console.campaigns.show", ref=campaign.ref, _anchor=anchor), 303)


def _written() -> dict[str, Any]:
    """The editor's form as changes."""
    return {
        "name": request.form.get("name", ""),
        "content": _content(),
        "audience_rule": rule_form.read(request.form).rule(),
        "compare_segments": request.form.getlist("compare_segments"),
        "holdout_percent": request.form.get("holdout_percent", 0, type=int),
        "scheduled_at": moment_written(request.form.get("scheduled_at", "")),
        "tag_key": request.form.get("tag_key") or None,
    }


def _content() -> dict[str, Any]:
    content: dict[str, Any] = {field: request.form.get(field, "") for field in drafting.CONTENT}
    fallback = {field: request.form.get(f"fallback.{field}", "") for field in campaign_card.PERSONAL}
    return {**content, "fallback": fallback}


def moment_written(written: str) -> datetime | None:
    """A local day and time as a browser writes it; empty means at once."""
    if not written:
        return None
    try:
        return datetime.fromisoformat(written).replace(tzinfo=_zone())
    except ValueError:
        raise Invalid(mark("The time was not understood. Choose a day and a time."), code="bad_time") from None


def _zone() -> ZoneInfo:
    return calendar_of(door.session()).zone


def _editor(campaign: Campaign, root: rule_form.Part, content: dict[str, Any]) -> str:
    session = door.session()
    tags = session.scalars(select(Tag).where(Tag.rule.is_(None), Tag.archived_at.is_(None)).order_by(Tag.key)).all()
    local = campaign.scheduled_at.astimezone(_zone()).strftime("%Y-%m-%dT%H:%M") if campaign.scheduled_at else ""
    return render_template(
        "console/campaign.html", campaign=campaign, content=content, root=root, tags=tags, scheduled=local,
        event=event_of(campaign), names=names_of(session, door.language()), condition_menu=condition_menu(),
        phone=_phone(campaign, content),
        segments=segmenting.live(session), audience=preview(root), fields=campaign_card.PERSONAL,
        tag_choices=lambda rows: [(tag.key, pick(tag.name, door.language()) or tag.key) for tag in rows],
    )  # fmt: skip


def _phone(campaign: Campaign, content: dict[str, Any]) -> str:
    """The message as a phone shows it, to somebody of the saved audience or to nobody in particular."""
    session = door.session()
    draft = Campaign(ref=campaign.ref, content=content)
    who = session.scalar(people_in(campaign.audience_rule, context_of(session, door.now())).limit(1))
    if who is not None:
        messages = personalising.preview(session, draft, [who])[who]
    else:
        messages = campaign_card.template_of(content, colour=the_brand(session).colour)
    return render_template("console/_phone.html", messages=messages)


def _sample_names(member_ids: Sequence[int]) -> dict[int, str]:
    people = select(Member, Friend.display_name).outerjoin(Friend, Friend.member_id == Member.id)
    rows = door.session().execute(people.where(Member.id.in_(member_ids)))
    return {member.id: member.name or shown or door.words("No name yet") for member, shown in rows}


def event_of(campaign: Campaign) -> dict[str, Any]:
    """The campaign's days and heads as the form shows them."""
    first, last = participating.days_of(door.session(), campaign)
    return {"starts": first or "", "ends": last or "", "heads": campaign.anonymous_heads or ""}


def bar_of(counts: dict[str, int]) -> list[tuple[str, int, float, float]]:
    """(outcome, count, from, width) along a bar of 100."""
    total, at = sum(counts.values()) or 1, 0.0
    pieces = []
    for outcome, count in counts.items():
        width = 100 * count / total
        pieces.append((outcome, count, round(at, 3), round(width, 3)))
        at += width
    return pieces
