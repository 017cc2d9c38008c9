"""The inbox reader: takes stored bodies apart and gives each event its effects, once (I2).

One transaction per event. An event that fails is tried again later; after five tries it is parked
with its reason, and stops nobody else's.
"""

import json
import threading
import time
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import events
from domain.operations.recording import insert_for
from door import Service
from models.inbox import InboundBody, WebhookEvent

log = structlog.get_logger()
IDLE_SECONDS = 0.15
BATCH = 50


class InboxReader:
    """Reads the inbox until told to stop; `step` reads one batch, for tests."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if not self.step():
                time.sleep(IDLE_SECONDS)

    def step(self) -> int:
        """Reads up to a batch of new bodies; returns how many there were."""
        with self.service.sessions.reading() as session:
            waiting = session.execute(
                select(InboundBody.id, InboundBody.body)
                .where(InboundBody.state == "new")
                .order_by(InboundBody.id)
                .limit(BATCH)
            ).all()
        for body_id, body in waiting:
            self.read_body(body_id, body)
        return len(waiting)

    def read_body(self, body_id: int, body: bytes) -> None:
        payload = json.loads(body)
        found = payload.get("events") if isinstance(payload, dict) else None
        for event in found if isinstance(found, list) else []:
            self.read_event(body_id, event)
        with self.service.sessions.writing() as session:
            row = session.get(InboundBody, body_id)
            if row is not None:
                row.state = "done"
            session.commit()

    def read_event(self, body_id: int, event: dict[str, Any]) -> None:
        with self.service.sessions.writing() as session:
            now = self.service.clock.now(session)
            if self._is_new(session, body_id, event, now):
                events.take(session, event, service=self.service, now=now)
            session.commit()

    def _is_new(self, session: Session, body_id: int, event: dict[str, Any], now: datetime) -> bool:
        statement = insert_for(session)(WebhookEvent).values(
            event_id=event["webhookEventId"],
            body_id=body_id,
            type=event["type"],
            occurred_at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
            received_at=now,
        )
        row = statement.on_conflict_do_nothing(index_elements=["event_id"]).returning(WebhookEvent.id)
        return session.execute(row).first() is not None
