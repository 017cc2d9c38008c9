"""The inbox reader: takes stored bodies apart and gives each event its effects, once (I2).

One transaction per event. An event that fails is tried again later; after five tries it is parked
with its reason, and stops nobody else's. Any number of readers may run, on any number of hosts.
"""

import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import events, retries
from bot.claims import Claimed, Claims
from bot.incoming import Incoming, event_id, incoming, person_of, storable
from bot.profiles import Profiles
from bot.scene import Scene
from domain.operations import menus
from domain.operations.befriending import Profile
from door import Service
from models import wake
from models.inbox import WebhookEvent
from models.session import insert_for

log = structlog.get_logger()
Json = dict[str, Any]
# LINE's own have a handful of levels; far beyond that, what walks over JSON breaks off.
DEEPEST = 400
Asked = dict[str, "Future[Profile | None]"]


class Unreadable(ValueError):
    """A body that holds no events anybody could read; its words say why."""


class InboxReader:
    """Reads the inbox until told to stop; `step` reads one batch, for tests."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.claims = Claims(service.sessions)
        self.profiles = Profiles(service)

    def run(self, stop: threading.Event) -> None:
        bells = self.service.sessions.bells
        rest = wake.Rest(bells)
        while not stop.is_set():
            try:
                found = self.step()
            except Exception as error:  # the database is away; LINE's bodies wait where they are
                if not retries.is_databases(error):
                    raise
                log.error("database trouble", error=type(error).__name__)
                found = 0
            if found:
                bells.ring(wake.OUTBOX)  # who wrote may have been answered
            bells[wake.INBOX].wait(stop, rest.after(found))

    def step(self) -> int:
        """Reads up to a batch of new bodies and due retries; returns how much there was to do."""
        bodies = self.claims.take()
        if bodies:
            self._read(bodies)
            self.claims.close()
        asked = self.profiles.catch_up(seconds=0.0 if bodies else 0.2)
        return len(bodies) + retries.step(self.service, self._take) + asked

    def _read(self, bodies: list[Claimed]) -> None:
        found = [(body, raw) for body in bodies for raw in self._events_of(body)]
        with self.service.sessions.reading() as session:
            scene = Scene(session, self.service.clock)
            newcomers = _newcomers(session, [raw for _, raw in found])
        asked = self.profiles.ask(newcomers)
        for body, raw in found:
            self._read_event(body, raw, scene, asked)

    def _events_of(self, body: Claimed) -> list[Json]:
        try:
            return events_in(body.body)
        except Unreadable as why:
            log.error("body parked", body_id=body.id, reason=str(why))
            self.claims.park(body.id, str(why))
            return []

    def _read_event(self, body: Claimed, raw: Json, scene: Scene, asked: Asked) -> None:
        try:
            self._give_effects(body, raw, scene, asked)
        except Exception as error:
            if retries.is_databases(error):
                raise
            # Whatever one event holds, the others still get their effects.
            retries.put_off(self.service, raw, error, body_id=body.id)

    def _give_effects(self, body: Claimed, raw: Json, scene: Scene, asked: Asked) -> None:
        user_id = person_of(raw)
        profile = self.profiles.of(user_id, asked) if user_id in asked else None
        menu_id = None
        with self.service.sessions.writing() as session:
            scene.lend(session)
            now = scene.now()
            event = incoming(raw, waited=body.waited, now=now)
            row_id = _first_time(session, body.id, event, now)
            if row_id is None:
                return
            self._take(session, row_id, event, profile, now)
            if profile is not None and scene.has_menus and user_id is not None:
                menu_id = menus.menu_for(session, user_id)
            session.commit()
        if user_id is not None and user_id in asked:
            self.profiles.after(user_id, profile, menu_id)

    def _take(self, session: Session, row_id: int, event: Incoming, profile: Profile | None, now: datetime) -> None:
        """The event's effects, in the transaction of its row."""
        if not events.take(session, event, profile, now):
            session.execute(update(WebhookEvent).where(WebhookEvent.id == row_id).values(state="ignored"))


def events_in(body: bytes) -> list[Json]:
    """The events of a body, each once, whatever else it holds. Raises Unreadable when it is no JSON."""
    try:
        # Decoded first: of bytes json takes halves of surrogate pairs, which no database column does.
        payload = json.loads(body.decode("utf-8-sig"))
        if _depth(payload) > DEEPEST:
            raise Unreadable("it is nested too deeply")
        if b"\\u" in body:
            payload = json.loads(storable(json.dumps(payload)))
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise Unreadable("it is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is not JSON: {error}") from None
    found = payload.get("events") if isinstance(payload, dict) else None
    events = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return list({event_id(each): each for each in events}.values())


def _depth(payload: Any) -> int:
    """How many levels of objects and lists there are in it; counted without going down oneself."""
    depth, level = 0, [payload]
    while level := [each for node in level if isinstance(node, (dict, list)) for each in _children(node)]:
        depth += 1
    return depth


def _children(node: Json | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _newcomers(session: Session, raws: list[Json]) -> set[str]:
    """Who follows us now: LINE is asked who they are before their events are taken. What came before is not asked."""
    follows = {event_id(raw): person_of(raw) for raw in raws if raw.get("type") == "follow"}
    if not follows:
        return set()
    known = session.scalars(select(WebhookEvent.event_id).where(WebhookEvent.event_id.in_(follows)))
    return {follows[each] for each in follows.keys() - set(known)} - {None}  # type: ignore[return-value]  # None is out


def _first_time(session: Session, body_id: int, event: Incoming, now: datetime) -> int | None:
    """Notes that the event has come; None when it had before."""
    row = {
        "event_id": event.id, "body_id": body_id, "type": event.type, "occurred_at": event.at, "received_at": now,
        "message_id": event.message_id,
    }  # fmt: skip
    made = session.execute(_note(insert_for(session)), row).first()
    return made.id if made else None


@lru_cache
def _note(insert: Callable[..., Any]) -> Any:
    """The statement, made once: it runs for every event."""
    table = WebhookEvent.__table__
    return insert(table).on_conflict_do_nothing(index_elements=["event_id"]).returning(table.c.id)
