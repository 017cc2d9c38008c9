"""Records what happened: the one writer of the event log."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from domain.calendar import NEWS, calendar_of
from domain.events import KINDS
from models.event import Event
from models.member import Member
from models.merge import via_of
from models.rows import among, insert_many
from models.session import insert_for as insert_for

PIECE = 5_000  # rows an INSERT


def record(
    session: Session,
    kind: str,
    *,
    member_id: int | None,
    source: str,
    now: datetime,
    occurred_at: datetime | None = None,
    object: str | None = None,
    campaign_id: int | None = None,
    message_id: int | None = None,
    data: dict[str, Any] | None = None,
    is_history: bool = False,
    dedupe_key: str | None = None,
    via_id: int | None = None,
) -> bool:
    """Records one event; False when `dedupe_key` says it was recorded before. `via_id` as models/event.py.

    Raises KeyError for a kind that domain/events.py does not declare.
    """
    assert KINDS[kind]
    happened = occurred_at or now
    values = {
        "member_id": member_id,
        "via_id": via_id or via_of(session, member_id),
        "kind": kind,
        "occurred_at": happened,
        "recorded_at": now,
        "day": calendar_of(session).day_of(happened),
        "source": source,
        "object": object,
        "campaign_id": campaign_id,
        "message_id": message_id,
        "data": data or {},
        "is_history": is_history,
        "dedupe_key": dedupe_key,
    }
    return bool(session.execute(_one(insert_for(session)), values).first())


@lru_cache
def _one(insert: Callable[..., Any]) -> Any:
    """The statement, made once: it runs for whatever happens."""
    table = Event.__table__
    return insert(table).on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(table.c.id)


def record_many(
    session: Session,
    kind: str,
    *,
    people: Sequence[tuple[int, str]],
    source: str,
    now: datetime,
    object: str | None = None,
    campaign_id: int | None = None,
    data: dict[str, Any] | None = None,
    vias: Mapping[int, int | None] | None = None,
) -> int:
    """The same event for many: `people` are (member id, dedupe key). Returns how many were new.

    `vias`: by which records they came (models/event.py), where that is known of what the event is about.
    """
    assert KINDS[kind]
    day = calendar_of(session).day_of(now)
    new = 0
    for at in range(0, len(people), PIECE):
        values = [
            {
                "member_id": member_id, "via_id": (vias or {}).get(member_id) or via_of(session, member_id),
                "kind": kind, "occurred_at": now, "recorded_at": now, "day": day, "source": source,
                "object": object, "campaign_id": campaign_id, "data": data or {}, "dedupe_key": key,
            }
            for member_id, key in people[at : at + PIECE]
        ]  # fmt: skip
        new += len(insert_many(session, Event, values, once=["dedupe_key"], returning=Event.id))
    return new


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of many that are recorded together, each with its own time and object.

    Without a member, `actor_ref` is what the unknown person was called (models/event.py).
    """

    member_id: int | None
    at: datetime
    source: str
    object: str
    data: dict[str, Any]
    dedupe_key: str
    campaign_id: int | None = None
    message_id: int | None = None
    via_id: int | None = None
    actor_ref: str | None = None


def record_each(
    session: Session, kind: str, happenings: Sequence[Happening], *, is_history: bool = False, now: datetime
) -> None:
    """Events of one kind, each of its own time; what was recorded before stays as it is."""
    assert KINDS[kind]
    calendar = calendar_of(session)
    for at in range(0, len(happenings), PIECE):
        values = [
            {
                "member_id": each.member_id, "kind": kind, "occurred_at": each.at, "recorded_at": now,
                "day": calendar.day_of(each.at), "source": each.source, "object": each.object,
                "campaign_id": each.campaign_id, "message_id": each.message_id, "data": each.data,
                "is_history": is_history, "dedupe_key": each.dedupe_key,
                "via_id": each.via_id or via_of(session, each.member_id), "actor_ref": each.actor_ref,
            }
            for each in happenings[at : at + PIECE]
        ]  # fmt: skip
        insert_many(session, Event, values, once=["dedupe_key"])


def unrecord(session: Session, dedupe_keys: Collection[str]) -> None:
    """Takes back what staff recorded a moment ago by mistake: it never happened. Only for undo within minutes."""
    session.execute(
        delete(Event).where(Event.dedupe_key.in_(dedupe_keys)), execution_options={"synchronize_session": False}
    )


def is_news(occurred_at: datetime, *, now: datetime) -> bool:
    """Whether something that happened then may still start messages and automations today (design §2)."""
    return now - occurred_at <= NEWS


def note_history(session: Session, member_ids: Collection[int], *, now: datetime) -> None:
    """These people's past was told to us just now: what follows from it starts no automation (design §2)."""
    ids = sorted(member_ids)
    for at in range(0, len(ids), PIECE):
        session.execute(
            update(Member).where(among(session, Member.id, ids[at : at + PIECE])).values(history_at=now),
            execution_options={"synchronize_session": "fetch"},
        )
