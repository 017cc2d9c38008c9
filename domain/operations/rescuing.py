"""What got stuck, put right by a person: parked events tried again, unsure messages settled."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.operations.auditing import audit
from domain.wording import mark
from models.campaign import Recipient
from models.inbox import WebhookEvent
from models.outbox import OutgoingMessage


def try_again(session: Session, event_id: int, *, staff_id: int, now: datetime) -> None:
    """Lets the inbox reader take a parked event up once more, with all its tries."""
    moved = (
        update(WebhookEvent)
        .where(WebhookEvent.id == event_id, WebhookEvent.state == "parked")
        .values(state="retry", attempts=0)
    )
    if session.execute(moved.returning(WebhookEvent.id)).first() is None:
        raise Conflict(mark("Nothing changed: this event is no longer parked. Look at the list again."))
    audit(session, staff_id=staff_id, action="event_retried", object=f"event:{event_id}", now=now)


def settle_unsure(session: Session, message_id: int, *, was_sent: bool, staff_id: int, now: datetime) -> None:
    """Says what became of a message we cannot know about: seen in the chat, or not. Nothing is sent again."""
    state = "sent" if was_sent else "failed"
    moved = (
        update(OutgoingMessage)
        .where(OutgoingMessage.id == message_id, OutgoingMessage.state == "unsure")
        .values(state=state, reason="settled by staff", sent_at=now if was_sent else None)
    )
    if session.execute(moved.returning(OutgoingMessage.id)).first() is None:
        raise Conflict(mark("Nothing changed: this message is no longer unsure. Look at the list again."))
    behind = select(OutgoingMessage.recipient_id).where(OutgoingMessage.id == message_id).scalar_subquery()
    session.execute(
        update(Recipient)
        .where(Recipient.id == behind, Recipient.state == "unsure")
        .values(state=state, sent_at=now if was_sent else None)
    )
    audit(
        session,
        staff_id=staff_id,
        action="message_settled",
        object=f"message:{message_id}",
        data={"as": state},
        now=now,
    )
