"""The inbox reader: takes stored bodies apart and gives each event its effects, once (I2).

One transaction per event. An event that fails is tried again later; after five tries it is parked
with its reason, and stops nobody else's. Any number of readers may run, on any number of hosts.
"""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot import events, retries
from bot.incoming import Incoming, incoming, storable
from bot.profiles import Profiles
from domain.operations.befriending import Profile
from door import Service
from models.inbox import InboundBody, WebhookEvent
from models.session import insert_for

log = structlog.get_logger()
IDLE_SECONDS = 0.15
BATCH = 50
# A reader that died lets go of its bodies after this much machine time.
LEASE = timedelta(seconds=20)
MOST_TRIES = 5


class InboxReader:
    """Reads the inbox until told to stop; `step` reads one batch, for tests."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.profiles = Profiles(service)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                found = self.step()
            except OperationalError as error:  # the database is away; LINE's bodies wait where they are
                log.error("database trouble", error=str(error)[:300])
                found = 0
            if not found:
                stop.wait(IDLE_SECONDS)

    def step(self) -> int:
        """Reads up to a batch of new bodies and due retries; returns how many there were."""
        bodies = self._claim()
        for body_id, body, received_at in bodies:
            self.read_body(body_id, body, received_at)
        self._close([body_id for body_id, _, _ in bodies])
        return len(bodies) + retries.step(self.service, self._take)

    def _claim(self) -> list[tuple[int, bytes, datetime]]:
        machine = datetime.now(UTC)
        free = or_(InboundBody.not_before.is_(None), InboundBody.not_before <= machine)
        waiting = select(InboundBody.id).where(InboundBody.state == "new", free).order_by(InboundBody.id).limit(BATCH)
        with self.service.sessions.reading() as session:
            if session.scalar(waiting.limit(1)) is None:
                return []
        with self.service.sessions.writing() as session:
            _park_killers(session)
            ids = session.scalars(waiting.with_for_update(skip_locked=True)).all()
            lease = update(InboundBody).where(InboundBody.id.in_(ids))
            session.execute(lease.values(not_before=machine + LEASE, attempts=InboundBody.attempts + 1))
            rows = session.execute(
                select(InboundBody.id, InboundBody.body, InboundBody.received_at)
                .where(InboundBody.id.in_(ids))
                .order_by(InboundBody.id)
            ).all()
            session.commit()
        return [(row.id, row.body, row.received_at) for row in rows]

    def _close(self, body_ids: list[int]) -> None:
        if not body_ids:
            return
        with self.service.sessions.writing() as session:
            session.execute(update(InboundBody).where(InboundBody.id.in_(body_ids)).values(state="done"))
            session.commit()

    def read_body(self, body_id: int, body: bytes, received_at: datetime) -> None:
        """Reads every event of a body; what is no event is passed over."""
        for raw in events_in(body):
            try:
                self.read_event(body_id, raw, received_at)
            except OperationalError:
                raise
            except Exception as error:
                # Whatever one event holds, the others still get their effects.
                retries.put_off(self.service, raw, error, body_id=body_id)

    def read_event(self, body_id: int, raw: dict[str, Any], received_at: datetime) -> None:
        waited = max(datetime.now(UTC) - received_at, timedelta())
        with self.service.sessions.reading() as session:
            event = incoming(raw, waited=waited, now=self.service.clock.now(session))
            known = session.scalar(select(WebhookEvent.id).where(WebhookEvent.event_id == event.id)) is not None
        if known:
            return
        profile = self.profiles.of(event.user_id) if events.wants_profile(event) else None
        with self.service.sessions.writing() as session:
            now = self.service.clock.now(session)
            row_id = _first_time(session, body_id, event, now)
            if row_id is not None:
                self._take(session, row_id, event, profile, now)
            session.commit()
        if row_id is not None and profile is not None and event.user_id is not None:
            self.profiles.show_menu(event.user_id)

    def _take(self, session: Session, row_id: int, event: Incoming, profile: Profile | None, now: datetime) -> None:
        """The event's effects, in the transaction of its row."""
        if not events.take(session, event, profile, now):
            session.execute(update(WebhookEvent).where(WebhookEvent.id == row_id).values(state="ignored"))


def events_in(body: bytes) -> list[dict[str, Any]]:
    """The events of a body, whatever else it holds."""
    try:
        payload = json.loads(body)
        if b"\\u" in body:
            payload = json.loads(storable(json.dumps(payload)))
    except (ValueError, RecursionError):
        return []
    found = payload.get("events") if isinstance(payload, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _first_time(session: Session, body_id: int, event: Incoming, now: datetime) -> int | None:
    """Notes that the event has come; None when it had before."""
    row = insert_for(session)(WebhookEvent).values(
        event_id=event.id, body_id=body_id, type=event.type, occurred_at=event.at, received_at=now,
        message_id=event.message_id,
    )  # fmt: skip
    made = session.execute(row.on_conflict_do_nothing(index_elements=["event_id"]).returning(WebhookEvent.id)).first()
    return made.id if made else None


def _park_killers(session: Session) -> None:
    """A body that took its reader down with it five times is looked at by nobody else."""
    dead = update(InboundBody).where(InboundBody.state == "new", InboundBody.attempts >= MOST_TRIES)
    over = dead.where(InboundBody.not_before <= datetime.now(UTC))
    session.execute(over.values(state="parked", error="its reader died five times"))
