"""Our copies of what people wrote in raw bodies: taken back when they unsend, in whatever order LINE tells us."""

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.inbox import InboundBody, WebhookEvent

KEPT = ("id", "type")  # what stays of a message that was taken back


def was_taken_back(session: Session, message_id: str) -> bool:
    """Whether its unsend overtook it."""
    seen = select(WebhookEvent.id).where(WebhookEvent.message_id == message_id, WebhookEvent.type == "unsend")
    return session.scalar(seen.limit(1)) is not None


def erase(session: Session, message_id: str) -> None:
    """Takes the message's content out of the bodies and events it came in."""
    rows = session.scalars(select(WebhookEvent).where(WebhookEvent.message_id == message_id)).all()
    for row in rows:
        if row.payload is not None:
            row.payload = _without(row.payload, message_id)
    for body in session.scalars(select(InboundBody).where(InboundBody.id.in_({row.body_id for row in rows}))):
        body.body = _emptied(body.body, message_id)
    session.flush()


def _emptied(raw: bytes, message_id: str) -> bytes:
    payload = json.loads(raw)
    payload["events"] = [_without(event, message_id) for event in payload["events"]]
    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")


def _without(event: Any, message_id: str) -> Any:
    message = event.get("message") if isinstance(event, dict) else None
    if not isinstance(message, dict) or message.get("id") != message_id:
        return event
    return {**event, "message": {name: message[name] for name in KEPT if name in message}}
