"""Who reads which bodies: leases on the clock all hosts share, so that any number of readers may work side by side."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from models.clock import is_free, machine_moment, machine_now
from models.inbox import InboundBody
from models.session import Sessions

BATCH = 50
# A reader that died lets go of its bodies after this; one that lives on does no harm, as events take effect once.
LEASE = timedelta(seconds=10)
MOST_TRIES = 5
NOT_DONE = InboundBody.state == "new"


@dataclass(frozen=True)
class Claimed:
    """A body this reader has, and how long it had waited when the reader got it."""

    id: int
    body: bytes
    age: timedelta
    since: float

    @property
    def waited(self) -> timedelta:
        """How long it has lain in the inbox by now."""
        return self.age + timedelta(seconds=time.monotonic() - self.since)


class Claims:
    """One reader's claims. What it could not read because the database went away it gives back, as if untouched."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._held: list[int] = []

    def take(self) -> list[Claimed]:
        """The next bodies, oldest first; none when there is nothing to read."""
        self._give_back()
        if not self._is_any():
            return []
        with self.sessions.writing() as session:
            machine = machine_now(session)
            bodies = _claim(session, machine)
            session.commit()
        self._held = [each.id for each in bodies]
        since = time.monotonic()
        return [Claimed(each.id, each.body, max(machine - each.received_at, timedelta()), since) for each in bodies]

    def close(self) -> None:
        """What was taken is read."""
        if not self._held:
            return
        with self.sessions.writing() as session:
            session.execute(update(InboundBody).where(InboundBody.id.in_(self._held), NOT_DONE).values(state="done"))
            session.commit()
        self._held = []

    def park(self, body_id: int, reason: str) -> None:
        """Nobody can read this one; a person may look at it."""
        with self.sessions.writing() as session:
            _park(session, body_id, reason)
            session.commit()

    def _is_any(self) -> bool:
        with self.sessions.reading() as session:
            return session.scalar(_free(machine_moment(session)).limit(1)) is not None

    def _give_back(self) -> None:
        if not self._held:
            return
        with self.sessions.writing() as session:
            ours = update(InboundBody).where(InboundBody.id.in_(self._held), NOT_DONE, InboundBody.attempts > 0)
            session.execute(ours.values(not_before=None, attempts=InboundBody.attempts - 1))
            session.commit()
        self._held = []


def _free(machine: Any) -> Select[Any]:
    free = is_free(InboundBody.not_before, machine, longest=10 * LEASE)
    return select(InboundBody.id).where(NOT_DONE, free).order_by(InboundBody.id)


def _claim(session: Session, machine: datetime) -> Sequence[Any]:
    """A batch of fresh ones, or a single one whose reader died: it may be the one that killed it."""
    waiting = _free(machine).add_columns(InboundBody.attempts).limit(BATCH).with_for_update(skip_locked=True)
    fresh: list[int] = []
    for row in session.execute(waiting).all():
        if row.attempts >= MOST_TRIES:
            _park(session, row.id, "its reader died five times")
        elif row.attempts == 0:
            fresh.append(row.id)
        elif not fresh:
            fresh = [row.id]
            break
        else:
            break
    lease = update(InboundBody).where(InboundBody.id.in_(fresh))
    taken = lease.values(not_before=machine + LEASE, attempts=InboundBody.attempts + 1).returning(
        InboundBody.id, InboundBody.body, InboundBody.received_at
    )
    return sorted(session.execute(taken).all(), key=lambda row: row.id) if fresh else []


def _park(session: Session, body_id: int, reason: str) -> None:
    parked = update(InboundBody).where(InboundBody.id == body_id, NOT_DONE)
    session.execute(parked.values(state="parked", error=reason[:300]))
