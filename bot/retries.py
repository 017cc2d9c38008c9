"""Events that failed: tried again with growing pauses, parked after five tries with the reason."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from bot import copies
from bot.incoming import Incoming, incoming
from domain.operations.befriending import Profile
from door import Service
from models.clock import machine_moment, machine_now
from models.inbox import WebhookEvent
from models.session import insert_for

log = structlog.get_logger()
MOST_TRIES = 5
FIRST_PAUSE = timedelta(seconds=2)
BATCH = 20
# By the time an event is tried again its reply token is gone.
LATE = timedelta(hours=1)
# SQLSTATE classes: connection, transaction rolled back, resources, an operator's hand, the machine.
PASSING = {"08", "40", "53", "55", "57", "58"}
Take = Callable[[Session, int, Incoming, Profile | None, datetime], None]


def is_databases(error: Exception) -> bool:
    """Whether this is the database's trouble, which passes, and not what one event holds."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return state[:2] in PASSING
    return error.connection_invalidated or isinstance(error, OperationalError)


def put_off(service: Service, raw: dict[str, Any], error: Exception, *, body_id: int) -> None:
    """Keeps an event whose effects failed, to be tried again. Its transaction is already rolled back."""
    # The kind of trouble, never the event's words: those are somebody's.
    log.error("event failed", event_type=str(raw.get("type"))[:64], error=type(error).__name__, body_id=body_id)
    try:
        _keep(service, raw, error, body_id, state="retry", payload=raw)
    except Exception as worse:
        if is_databases(worse):
            raise
        # Not even the database can hold what it says; its body can.
        log.error("event parked", body_id=body_id, error=type(worse).__name__)
        _keep(service, raw, worse, body_id, state="parked", payload=None)


def _keep(
    service: Service, raw: dict[str, Any], error: Exception, body_id: int, *, state: str, payload: dict[str, Any] | None
) -> None:
    with service.sessions.writing() as session:
        now = service.clock.now(session)
        event = incoming(raw, waited=LATE, now=now)
        row = insert_for(session)(WebhookEvent).values(
            event_id=event.id, body_id=body_id, type=event.type, occurred_at=event.at, received_at=now, state=state,
            attempts=1, error=_reason(error), payload=payload, not_before=machine_now(session) + FIRST_PAUSE,
            message_id=event.message_id,
        )  # fmt: skip
        session.execute(row.on_conflict_do_nothing(index_elements=["event_id"]))
        if event.message_id and copies.was_taken_back(session, event.message_id):
            copies.erase(session, event.message_id)
        session.commit()


def step(service: Service, take: Take) -> int:
    """Tries what is due again; returns how many there were."""
    with service.sessions.reading() as session:
        due = WebhookEvent.state == "retry", WebhookEvent.not_before <= machine_moment(session)
        waiting = select(WebhookEvent.id).where(*due).order_by(WebhookEvent.not_before).limit(BATCH)
        ids = session.scalars(waiting).all()
    for row_id in ids:
        try:
            _again(service, take, row_id)
        except Exception as error:
            if is_databases(error):
                raise
            _count(service, row_id, error)
    return len(ids)


def _again(service: Service, take: Take, row_id: int) -> None:
    with service.sessions.writing() as session:
        row = _locked(session, row_id)
        if row is None:
            return
        if row.payload is None:  # its person was forgotten meanwhile
            row.state = "ignored"
            session.commit()
            return
        now = service.clock.now(session)
        take(session, row.id, incoming(row.payload, waited=LATE, now=now), None, now)
        session.refresh(row)
        row.state = "done" if row.state == "retry" else row.state
        row.payload, row.error = None, None
        session.commit()


def _count(service: Service, row_id: int, error: Exception) -> None:
    with service.sessions.writing() as session:
        row = _locked(session, row_id)
        if row is None:
            return
        row.attempts += 1
        row.error = _reason(error)
        row.not_before = machine_now(session) + FIRST_PAUSE * 2**row.attempts
        if row.attempts >= MOST_TRIES:
            row.state = "parked"
            log.error("event parked", event_id=row.event_id, event_type=row.type, error=type(error).__name__)
        session.commit()


def _locked(session: Session, row_id: int) -> WebhookEvent | None:
    """The row while it still waits for a retry and nobody else is at it."""
    mine = select(WebhookEvent).where(WebhookEvent.id == row_id, WebhookEvent.state == "retry")
    return session.scalar(mine.with_for_update(skip_locked=True))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
