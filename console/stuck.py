"""What got stuck and is decided by a person: events we could not read, messages nobody is sure of, failed cases."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

import door
from console import health, roles
from console.settings import waiting_counts
from domain.operations import rescuing
from domain.wording import mark
from models.automation import Automation, Enrolment
from models.campaign import Campaign, CampaignChunk
from models.inbox import InboundBody, WebhookEvent
from models.member import Member
from models.outbox import OutgoingMessage

blueprint = Blueprint("stuck", __name__, url_prefix="/settings/stuck")

PAGE = 100
STUCK = ("unsure", "failed")
TRYING, LET_GO, NOTED = mark("It is being tried again."), mark("It is given up."), mark("Noted.")


@blueprint.get("")
@roles.needs("marketer")
def page() -> str:
    session = door.session()
    body = InboundBody
    messages = (
        select(OutgoingMessage, Member).join(Member, Member.id == OutgoingMessage.member_id)
        .where(OutgoingMessage.state.in_(STUCK)).order_by(OutgoingMessage.state.desc(), OutgoingMessage.id.desc())
    )  # fmt: skip
    bodies = select(body).where(body.state == "parked").order_by(body.id.desc())
    return render_template(
        "console/stuck.html", counts=waiting_counts(session), events=_events(),
        bodies=session.scalars(bodies.limit(PAGE)).all(), messages=session.execute(messages.limit(PAGE)).all(),
        chunks=_chunks(), cases=_cases(),
    )  # fmt: skip


def _events() -> list[WebhookEvent]:
    """Events we could not read, the latest first: each state has an index of its own, and both together have none."""
    found: list[WebhookEvent] = []
    for state in ("parked", "retry"):
        these = select(WebhookEvent).where(WebhookEvent.state == state).order_by(WebhookEvent.id.desc())
        found += door.session().scalars(these.limit(PAGE))
    return sorted(found, key=lambda event: event.id, reverse=True)[:PAGE]


def _chunks() -> Any:
    """Parts of campaigns whose answer nobody understood, with their campaign."""
    unsure = (
        select(CampaignChunk.no, CampaignChunk.size, CampaignChunk.first_attempt_at, Campaign.ref, Campaign.name)
        .join(Campaign, Campaign.id == CampaignChunk.campaign_id)
        .where(CampaignChunk.state == "unsure")
        .order_by(CampaignChunk.campaign_id, CampaignChunk.no)
    )
    return door.session().execute(unsure.limit(PAGE)).all()


def _cases() -> Any:
    """People an automation could not act for, by an error of ours."""
    failed = (
        select(Enrolment, Automation, Member)
        .join(Automation, Automation.id == Enrolment.automation_id)
        .join(Member, Member.id == Enrolment.member_id)
        .where(Enrolment.state == "failed")
        .order_by(Enrolment.id.desc())
    )
    return door.session().execute(failed.limit(PAGE)).all()


@blueprint.post("/events/<int:event_id>")
@roles.needs("marketer")
def retry_event(event_id: int) -> BaseResponse:
    rescuing.try_again(door.session(), event_id, staff_id=roles.me().id, now=door.now())
    return _decided(TRYING)


@blueprint.post("/events/<int:event_id>/let-go")
@roles.needs("marketer")
def let_event_go(event_id: int) -> BaseResponse:
    rescuing.let_go(door.session(), event_id, staff_id=roles.me().id, now=door.now())
    return _decided(LET_GO)


@blueprint.post("/requests/<int:body_id>")
@roles.needs("marketer")
def retry_body(body_id: int) -> BaseResponse:
    rescuing.read_again(door.session(), body_id, staff_id=roles.me().id, now=door.now())
    return _decided(TRYING)


@blueprint.post("/requests/<int:body_id>/let-go")
@roles.needs("marketer")
def let_body_go(body_id: int) -> BaseResponse:
    rescuing.let_body_go(door.session(), body_id, staff_id=roles.me().id, now=door.now())
    return _decided(LET_GO)


@blueprint.post("/messages/<int:message_id>/<any(sent, failed):outcome>")
@roles.needs("marketer")
def settle_message(message_id: int, outcome: str) -> BaseResponse:
    was_sent = outcome == "sent"
    rescuing.settle_unsure(door.session(), message_id, was_sent=was_sent, staff_id=roles.me().id, now=door.now())
    return _decided(NOTED)


@blueprint.post("/parts/<ref>/<int:no>/<any(sent, failed):outcome>")
@roles.needs("marketer")
def settle_chunk(ref: str, no: int, outcome: str) -> BaseResponse:
    was_sent = outcome == "sent"
    rescuing.settle_chunk(door.session(), ref, no, was_sent=was_sent, staff_id=roles.me().id, now=door.now())
    return _decided(NOTED)


@blueprint.post("/cases/<int:enrolment_id>")
@roles.needs("marketer")
def retry_case(enrolment_id: int) -> BaseResponse:
    rescuing.case_again(door.session(), enrolment_id, staff_id=roles.me().id, now=door.now())
    return _decided(TRYING)


@blueprint.post("/cases/<int:enrolment_id>/let-go")
@roles.needs("marketer")
def let_case_go(enrolment_id: int) -> BaseResponse:
    rescuing.let_case_go(door.session(), enrolment_id, staff_id=roles.me().id, now=door.now())
    return _decided(LET_GO)


def _decided(words: str) -> BaseResponse:
    door.session().commit()
    health.look_again()
    flash(door.words(words), "done")
    return redirect(url_for("console.stuck.page"), 303)
