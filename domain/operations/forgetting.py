"""What we do not keep: raw webhook bodies 30 days after their effects, and codes that have run out (design §8)."""

from datetime import datetime, timedelta

from sqlalchemy import delete, null, select, update
from sqlalchemy.orm import Session

from models.inbox import InboundBody, WebhookEvent
from models.staff import OneTimeCode

RAW_BODIES = timedelta(days=30)
CODES = timedelta(days=1)


def forget_raw_bodies(session: Session, *, machine_now: datetime, limit: int = 1_000) -> int:
    """Deletes up to `limit` bodies that were dealt with, or given up, long ago; returns how many.

    What was parked waits for a person no longer than that either.
    """
    # They come in the order of their ids: only the first are looked at, however many there are.
    first = select(InboundBody.id, InboundBody.state, InboundBody.received_at).order_by(InboundBody.id).limit(limit)
    those = first.subquery().c
    old = select(those.id).where(those.state.in_(("done", "parked")), those.received_at < machine_now - RAW_BODIES)
    ids = list(session.scalars(old))
    if ids:
        theirs = update(WebhookEvent).where(WebhookEvent.body_id.in_(ids))
        session.execute(theirs.values(body_id=None, payload=null()))
        session.execute(delete(InboundBody).where(InboundBody.id.in_(ids)))
    return len(ids)


def forget_codes(session: Session, *, now: datetime) -> int:
    """Deletes one-time codes a day after they stopped being good."""
    gone = session.execute(
        delete(OneTimeCode).where(OneTimeCode.expires_at < now - CODES).returning(OneTimeCode.id)
    ).all()
    return len(gone)
