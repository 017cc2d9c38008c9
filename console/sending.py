"""A campaign on its way and afterwards: progress, pause, resume and stop; then whom it reached and who answered."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

import door
from console import roles
from console.campaigns import STATES, bar_of, event_of, moment_written, outcome_words
from console.people import people_page
from domain.errors import Invalid
from domain.operations import addressing, controlling, drafting, dry_running, participating
from domain.operations.auditing import audit
from domain.reports import campaign_result
from domain.reports.judging import interval, strength
from domain.rules import names_of, sentence
from domain.wording import mark
from models.campaign import Campaign
from models.channel import the_channel
from models.programme import Segment, the_brand

blueprint = Blueprint("sending", __name__, url_prefix="/sends")

CONVERSIONS = {
    "booking": mark("booked"),
    "coupon_claim": mark("claimed a coupon"),
    "form": mark("sent a form"),
    "registration": mark("registered"),
    "check_in": mark("checked in"),
    "order": mark("ordered"),
}
UNDER_WAY = ("approved", "freezing", "sending", "paused")


@blueprint.get("/<ref>")
@roles.needs("viewer")
def show(ref: str) -> str:
    campaign = drafting.named(door.session(), ref)
    return render_template("console/send.html", body=_body(campaign), event=event_of(campaign), **_shared(campaign))


@blueprint.get("/<ref>/piece")
@roles.needs("viewer")
def piece(ref: str) -> str:
    """The part of the page that moves while it is being sent."""
    return _body(drafting.named(door.session(), ref))


@blueprint.get("/<ref>/people/<outcome>")
@roles.needs("viewer")
def people(ref: str, outcome: str) -> str:
    """The very people behind a figure."""
    session, campaign = door.session(), drafting.named(door.session(), ref)
    here = url_for("console.sending.people", ref=ref, outcome=outcome)
    ids = campaign_result.people_query(session, campaign, outcome, now=door.now())
    found = people_page(session, ids, after=request.args.get("after"))
    return render_template(
        "console/people_list.html", title=campaign.name, lead=outcome_words(outcome), found=found, here=here,
        back_url=url_for("console.sending.show", ref=ref), back_words=campaign.name,
        next_url=f"{here}?after={found.next_after}" if found.next_after else "",
    )  # fmt: skip


@blueprint.post("/<ref>/event")
@roles.needs("marketer")
def event(ref: str) -> BaseResponse:
    """The days people take part in person, and the heads counted there by hand."""
    session, campaign = door.session(), drafting.named(door.session(), ref)
    first, last = (_day(request.form.get(name, "")) for name in ("starts", "ends"))
    heads = request.form.get("heads", 0, type=int) or 0
    participating.hold(session, campaign, first=first, last=last, heads=heads)
    data = {"heads": heads}
    audit(session, staff_id=roles.me().id, action="campaign_event", object=f"campaign:{ref}", data=data, now=door.now())
    session.commit()
    flash(door.words("The days and heads are saved."), "done")
    return redirect(url_for("console.campaigns.show", ref=ref), 303)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        raise Invalid(mark("The day was not understood. Choose a day."), code="bad_day") from None


@blueprint.post("/<ref>/<act>")
@roles.needs("marketer")
def control(ref: str, act: str) -> BaseResponse:
    """Pause, resume, stop, take back to draft, cancel; let it go on by itself when it is out of messages."""
    session, now = door.session(), door.now()
    if act == "stop":
        campaign = controlling.stop(session, ref=ref, reason=request.form.get("reason", ""), now=now)
    elif act == "let-go-on":
        until = moment_written(request.form.get("until", ""))
        campaign = controlling.let_go_on(session, ref=ref, until=until, now=now)
    else:
        moves = {
            "pause": controlling.pause, "resume": controlling.resume, "take-back": controlling.take_back,
            "cancel": controlling.cancel,
        }  # fmt: skip
        campaign = moves[act](session, ref=ref, now=now) if act in moves else drafting.named(session, ref)
    audit(session, staff_id=roles.me().id, action=f"campaign_{act}"[:64], object=f"campaign:{ref}", now=now)
    session.commit()
    flash(door.words("The campaign is now: %(state)s.", state=door.words(STATES[campaign.state])), "done")
    return redirect(url_for("console.campaigns.show", ref=ref), 303)


def _shared(campaign: Campaign) -> dict[str, Any]:
    session = door.session()
    names = names_of(session, door.language())
    return {
        "campaign": campaign, "states": STATES, "is_under_way": campaign.state in UNDER_WAY,
        "audience": sentence(campaign.audience_rule, door.language(), names),
    }  # fmt: skip


def _sleeps_until(campaign: Campaign) -> datetime | None:
    """When it goes on, while it is being sent and the quiet hours hold it."""
    session, now = door.session(), door.now()
    if campaign.state != "sending" or not the_brand(session).is_quiet(now):
        return None
    return addressing.starts_at(session, campaign, now=now)


def _body(campaign: Campaign) -> str:
    session, now = door.session(), door.now()
    found = campaign_result.result(session, campaign, now=now)
    done, size = campaign_result.progress(session, campaign)
    called = select(Segment.key, Segment.name).where(Segment.key.in_(found.answered.parts))
    return render_template(
        "console/_send.html", result=found, bar=bar_of(found.outcomes), done=done, size=size,
        outcome_words=outcome_words,
        starts_at=addressing.starts_at(session, campaign, now=now) if campaign.state == "approved" else None,
        sleeps_until=_sleeps_until(campaign), stopped_by=the_channel(session).stopped_reason,
        messages=(messages := found.outcomes.get("sent", 0)),
        cost=dry_running.cost_of(session, messages, campaign.allowance_left),
        waits_alone=campaign.goes_on_until if campaign.goes_on_until and campaign.goes_on_until > now else None,
        segment_names={row.key: row.name for row in session.execute(called)}, strength=strength, interval=interval,
        conversions=[(door.words(CONVERSIONS.get(kind, kind)), count) for kind, count in found.conversions.items()],
        **_shared(campaign),
    )  # fmt: skip
