"""What got stuck, put right by a person: tried again, let go, or settled by what they saw. Nothing is sent again."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.operations.auditing import audit
from domain.wording import mark
from models.automation import Enrolment
from models.campaign import Campaign, CampaignChunk, Recipient
from models.inbox import InboundBody, WebhookEvent
from models.outbox import OutgoingMessage

NOT_PARKED = mark("Nothing changed: this event is no longer parked. Look at the list again.")
NOT_UNSURE = mark("Nothing changed: this message is no longer unsure. Look at the list again.")
NOT_FAILED = mark("Nothing changed: this case no longer waits for you. Look at the list again.")
TOO_LATE = {WebhookEvent: NOT_PARKED, InboundBody: NOT_PARKED, Enrolment: NOT_FAILED}


def try_again(session: Session, event_id: int, *, staff_id: int, now: datetime) -> None:
    """Lets the inbox reader take a parked event up once more, with all its tries."""
    is_it = (WebhookEvent.id == event_id, WebhookEvent.state == "parked")
    _move(session, WebhookEvent, *is_it, state="retry", attempts=0)
    audit(session, staff_id=staff_id, action="event_retried", object=f"event:{event_id}", now=now)


def let_go(session: Session, event_id: int, *, staff_id: int, now: datetime) -> None:
    """A parked event is given up: it never has effects, and its words go."""
    is_it = (WebhookEvent.id == event_id, WebhookEvent.state == "parked")
    _move(session, WebhookEvent, *is_it, state="ignored", payload=None)
    audit(session, staff_id=staff_id, action="event_let_go", object=f"event:{event_id}", now=now)


def read_again(session: Session, body_id: int, *, staff_id: int, now: datetime) -> None:
    """Lets the inbox reader open a parked request once more; events it had already read are known and passed over."""
    is_it = (InboundBody.id == body_id, InboundBody.state == "parked")
    _move(session, InboundBody, *is_it, state="new", attempts=0, not_before=None, error=None)
    audit(session, staff_id=staff_id, action="event_retried", object=f"body:{body_id}", now=now)


def let_body_go(session: Session, body_id: int, *, staff_id: int, now: datetime) -> None:
    """A parked request is given up; like every other it is deleted when its thirty days are over."""
    _move(session, InboundBody, InboundBody.id == body_id, InboundBody.state == "parked", state="done")
    audit(session, staff_id=staff_id, action="event_let_go", object=f"body:{body_id}", now=now)


def settle_unsure(session: Session, message_id: int, *, was_sent: bool, staff_id: int, now: datetime) -> None:
    """Says what became of a message we cannot know about: seen in the chat, or not."""
    state, sent_at = _outcome(was_sent, now)
    is_it = (OutgoingMessage.id == message_id, OutgoingMessage.state == "unsure")
    _move(session, OutgoingMessage, *is_it, state=state, reason="settled by staff", sent_at=sent_at)
    behind = select(OutgoingMessage.recipient_id).where(OutgoingMessage.id == message_id).scalar_subquery()
    _settle_people(session, Recipient.id == behind, state=state, sent_at=sent_at)
    _audit_settled(session, f"message:{message_id}", state, staff_id=staff_id, now=now)


def settle_chunk(session: Session, ref: str, no: int, *, was_sent: bool, staff_id: int, now: datetime) -> None:
    """The same for a part of a campaign: the people in it whose copy nobody is sure of."""
    campaign_id = session.scalar(select(Campaign.id).where(Campaign.ref == ref))
    if campaign_id is None:
        raise NotFound(mark("There is no such campaign. Look at the list again."))
    state, sent_at = _outcome(was_sent, now)
    chunk = CampaignChunk
    is_it = (chunk.campaign_id == campaign_id, chunk.no == no, chunk.state == "unsure")
    _move(session, chunk, *is_it, state=state, reason="settled_by_staff", sent_at=sent_at)
    of_it = (Recipient.campaign_id == campaign_id, Recipient.chunk_no == no)
    _settle_people(session, *of_it, state=state, sent_at=sent_at)
    _audit_settled(session, f"campaign:{ref}:{no}", state, staff_id=staff_id, now=now)


def case_again(session: Session, enrolment_id: int, *, staff_id: int, now: datetime) -> None:
    """An automation's failed case is acted on once more; what it had given or said already is not repeated."""
    is_it = (Enrolment.id == enrolment_id, Enrolment.state == "failed")
    _move(session, Enrolment, *is_it, state="waiting", reason=None, due_at=now)
    audit(session, staff_id=staff_id, action="case_retried", object=f"enrolment:{enrolment_id}", now=now)


def let_case_go(session: Session, enrolment_id: int, *, staff_id: int, now: datetime) -> None:
    is_it = (Enrolment.id == enrolment_id, Enrolment.state == "failed")
    _move(session, Enrolment, *is_it, state="left", reason="let_go")
    audit(session, staff_id=staff_id, action="case_let_go", object=f"enrolment:{enrolment_id}", now=now)


def _outcome(was_sent: bool, now: datetime) -> tuple[str, datetime | None]:
    return ("sent", now) if was_sent else ("failed", None)


def _move(session: Session, table: Any, *which: ColumnElement[bool], **values: Any) -> None:
    """One conditional write: of two people who decide at once, the second is told."""
    moved = update(table).where(*which).values(values).execution_options(synchronize_session="fetch")
    if not session.execute(moved).rowcount:  # type: ignore[attr-defined]  # an UPDATE's result counts its rows
        raise Conflict(TOO_LATE.get(table, NOT_UNSURE))


def _settle_people(session: Session, *which: ColumnElement[bool], state: str, sent_at: datetime | None) -> None:
    """The recipients behind it that are still unsure."""
    unsure = update(Recipient).where(*which, Recipient.state == "unsure")
    session.execute(unsure.values(state=state, sent_at=sent_at).execution_options(synchronize_session=False))


def _audit_settled(session: Session, what: str, state: str, *, staff_id: int, now: datetime) -> None:
    audit(session, staff_id=staff_id, action="message_settled", object=what, data={"as": state}, now=now)
