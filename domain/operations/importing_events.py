"""What happened elsewhere or before our time, in bulk: the log, and the states that follow from it.

Sends become recipient rows, tags become tag rows, and follow state, consent and registration move as of
their own time. History is not news: nothing here says, enrols or grants anything (design §2).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Invalid, NotFound
from domain.events import KINDS, MESSAGES
from domain.operations import collecting, naming, replaying, resolving
from domain.operations.belongings import OF_THE_RECORD
from domain.operations.importing_purchases import Loaded
from domain.operations.purchasing import Outcome
from domain.operations.recording import is_news, note_history
from domain.wording import mark
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.event import Event
from models.session import insert_for

# How imported events are told from our own: by what makes them the same when they come again.
BY_ID, BY_CONTENT = "id:", "line:"
HELD_OUT = {"held_out", "hold_out", "holdout"}


@dataclass(frozen=True, slots=True)
class EventRow:
    """One happening as its source wrote it."""

    kind: str
    member_ref: str
    at: datetime
    source: str
    id: str | None = None
    campaign: str | None = None
    object: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    visitor: str = ""  # the browser it happened in, where a shop's site tells of it
    rank: int = 1

    @property
    def content(self) -> str:
        """Everything it says, as written; equal lines have equal ones."""
        return self._digest(self.member_ref)

    def key(self, member_id: int | None) -> str:
        """What makes it the same event when it comes again: its id, or its content and rank among equals.

        The person counts, not by which of their references the line names them.
        """
        return f"{BY_ID}{self.id}" if self.id else f"{BY_CONTENT}{self._digest(member_id)}:{self.rank}"

    def _digest(self, who: int | str | None) -> str:
        said = [self.kind, who, self.at.isoformat(), self.source, self.send, self.object, self.data]
        said += [self.visitor] if self.visitor else []
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:40]

    @property
    def send(self) -> str | None:
        """The campaign it belongs to; for what is about a campaign, the object may say it."""
        about = self.kind in (*MESSAGES, "participated")
        return self.campaign or (self.object if about else None)

    @property
    def who(self) -> str:
        """What names whose it is."""
        return self.member_ref or (collecting.actor_of(self.visitor) if self.visitor else "")


@dataclass(frozen=True)
class _Named:
    """Whom the rows name: the record, and the one that answers for it when it was joined into another."""

    records: Mapping[str, int]
    kept: Mapping[int, int]

    def __contains__(self, ref: str) -> bool:
        return ref in self.records

    def record(self, row: EventRow) -> int | None:
        return self.records.get(row.who)

    def person(self, row: EventRow) -> int | None:
        """Whose event it is: what belongs to the LINE account stays with its record."""
        record_id = self.record(row)
        return record_id if record_id is None or row.kind in OF_THE_RECORD else self.kept[record_id]

    def via(self, row: EventRow) -> int | None:
        return None if self.person(row) == self.record(row) else self.record(row)


def import_events(session: Session, rows: Sequence[EventRow], *, is_history: bool = False, now: datetime) -> Loaded:
    """Records the rows, one outcome each. The caller replays `changed` when all is loaded.

    `is_history`: from a file, so that they start nothing.
    """
    records = naming.find_records(session, {row.member_ref for row in rows})
    records |= naming.meet_friends(session, {row.member_ref for row in rows} - records.keys(), now=now)
    records |= _browsers(session, rows, records, now=now)
    people = _Named(records, resolving.roots(session, set(records.values())))
    campaigns = _campaigns(session, {row.send for row in rows}, now=now)
    outcomes: list[Outcome] = [_judge(row, people) for row in rows]
    good = [at for at, outcome in enumerate(outcomes) if outcome == "accepted"]
    messages = [at for at in good if rows[at].kind in MESSAGES]
    others = [at for at in good if rows[at].kind not in MESSAGES]
    known = _write_messages(session, [rows[at] for at in messages], people, campaigns)
    for at, is_known in zip(messages, known, strict=True):
        outcomes[at] = "repeated" if is_known else "accepted"
    known = _write_events(session, [rows[at] for at in others], people, campaigns, is_history=is_history, now=now)
    for at, is_known in zip(others, known, strict=True):
        outcomes[at] = "repeated" if is_known else "accepted"
    note_history(session, _told_late(rows, outcomes, people, is_history=is_history, now=now), now=now)
    changed = replaying.Changed()
    for row in (rows[at] for at in others if rows[at].member_ref):
        # Lines known already count too: whoever loaded them may have been killed before the replay.
        if (person := people.person(row)) is not None:
            changed.note(row.kind, person, row.object)
    return Loaded(outcomes, {each for row in rows if (each := people.person(row)) is not None}, changed)


def _browsers(
    session: Session, rows: Sequence[EventRow], records: Mapping[str, int], *, now: datetime
) -> dict[str, int]:
    """Whose the browsers of these rows are, by how they are written in the log. A row naming both tells whose it is."""
    told = {row.visitor: records[row.member_ref] for row in rows if row.visitor and row.member_ref in records}
    claims = [(record_id, visitor) for visitor, record_id in told.items()]
    collecting.remember(session, claims, source="import", now=now)
    asked = [(collecting.KIND, row.visitor) for row in rows if row.visitor]
    known = naming.identities(session, asked) if asked else {}
    return {collecting.actor_of(visitor): record_id for (_, visitor), record_id in known.items()}


def _told_late(
    rows: Sequence[EventRow],
    outcomes: Sequence[Outcome],
    people: _Named,
    *,
    is_history: bool,
    now: datetime,
) -> set[int]:
    """Whose past these rows told us something new about."""
    return {
        person
        for row, outcome in zip(rows, outcomes, strict=True)
        if outcome == "accepted" and (person := people.person(row)) is not None
        if is_history or not is_news(row.at, now=now)
    }


def _judge(row: EventRow, people: _Named) -> Outcome:
    if row.member_ref not in people and (row.member_ref or KINDS[row.kind].needs_member):
        return NotFound(
            mark("Nobody is known as %(ref)s. Import the members first, or correct member_ref."), ref=row.member_ref
        )
    if row.kind in (*MESSAGES, "participated") and not row.send:
        return Invalid(mark("%(kind)s does not say of which campaign. Fill in campaign."), kind=row.kind)
    return "accepted"


def _campaigns(session: Session, refs: Iterable[str | None], *, now: datetime) -> dict[str, int]:
    """The campaigns of these names; what we did not send ourselves becomes an imported one."""
    wanted = sorted({ref for ref in refs if ref})
    if not wanted:
        return {}
    query = select(Campaign.ref, Campaign.id).where(Campaign.ref.in_(wanted))
    found = dict(session.execute(query).all())
    channel = the_channel(session)
    missing = [
        {"ref": ref, "name": ref, "kind": "imported", "state": "imported", "state_at": now,
         "created_at": now, "channel_id": channel.id}
        for ref in wanted if ref not in found
    ]  # fmt: skip
    if missing:
        session.execute(insert_for(session)(Campaign).on_conflict_do_nothing(index_elements=["ref"]), missing)
        found = dict(session.execute(query).all())
    return found


def _write_messages(
    session: Session, rows: Sequence[EventRow], people: _Named, campaigns: Mapping[str, int]
) -> list[bool]:
    """Recipient rows of sends; for each row whether it was known."""
    new = [_recipient(row, people, campaigns[row.send or ""]) for row in rows]
    stored = _stored_recipients(session, new)
    known: list[bool] = []
    fresh: list[dict[str, Any]] = []
    for recipient in new:
        name = (recipient["campaign_id"], recipient["member_id"], recipient["occasion"])
        known.append(name in stored)
        if name not in stored:
            fresh.append(recipient)
            stored.add(name)
    if fresh:
        session.execute(insert_for(session)(Recipient).on_conflict_do_nothing(), fresh)
    return known


def _recipient(row: EventRow, people: _Named, campaign_id: int) -> dict[str, Any]:
    reason = str(row.data.get("reason") or "")[:64] or None
    held_out = row.kind == "withheld" and reason in HELD_OUT
    segments = row.data.get("segments")
    return {
        "campaign_id": campaign_id,
        "member_id": people.person(row),
        "via_id": people.via(row),
        "occasion": str(row.data.get("occasion", row.at.isoformat()))[:64],
        "arm": "held_out" if held_out else "sent",
        "state": "held_out" if held_out else row.kind,
        "reason": None if row.kind == "sent" else reason,
        "segments": [str(each) for each in segments] if isinstance(segments, list) else [],
        "merge": {},
        "due_at": row.at,
        "sent_at": row.at if row.kind == "sent" else None,
    }


def _stored_recipients(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[tuple[int, int, str]]:
    query = select(Recipient.campaign_id, Recipient.member_id, Recipient.occasion).where(
        Recipient.campaign_id.in_({row["campaign_id"] for row in rows}),
        Recipient.member_id.in_({row["member_id"] for row in rows}),
    )
    return {(campaign_id, member_id, occasion) for campaign_id, member_id, occasion in session.execute(query)}


def _write_events(
    session: Session,
    rows: Sequence[EventRow],
    people: _Named,
    campaigns: Mapping[str, int],
    *,
    is_history: bool,
    now: datetime,
) -> list[bool]:
    """The log; for each row whether it was known."""
    if not rows:
        return []
    calendar = calendar_of(session)
    keys = [row.key(people.records.get(row.member_ref)) for row in rows]
    stored = set(session.scalars(select(Event.dedupe_key).where(Event.dedupe_key.in_(keys))))
    own = _own_events(session, rows, people)
    known: list[bool] = []
    fresh: list[dict[str, Any]] = []
    for row, key in zip(rows, keys, strict=True):
        member_id = people.person(row)
        repeated = key in stored or (member_id, row.kind, row.at, row.object) in own
        known.append(repeated)
        if not repeated:
            stored.add(key)
            fresh.append({
                "member_id": member_id, "via_id": people.via(row),
                "kind": row.kind, "occurred_at": row.at, "recorded_at": now,
                "day": calendar.day_of(row.at), "source": row.source, "object": row.object,
                "campaign_id": campaigns.get(row.send or ""), "data": dict(row.data), "dedupe_key": key,
                "is_history": is_history, "actor_ref": collecting.actor_of(row.visitor) if row.visitor else None,
            })  # fmt: skip
    if fresh:
        session.execute(insert_for(session)(Event).on_conflict_do_nothing(index_elements=["dedupe_key"]), fresh)
    return known


def _own_events(
    session: Session, rows: Sequence[EventRow], people: _Named
) -> set[tuple[int | None, str, datetime, str | None]]:
    """What we recorded ourselves of the same people and time: our own export must not double us when it comes back."""
    times = [row.at for row in rows]
    query = select(Event.member_id, Event.kind, Event.occurred_at, Event.object).where(
        or_(
            Event.member_id.in_({people.person(row) for row in rows if row.who}),
            Event.actor_ref.in_({collecting.actor_of(row.visitor) for row in rows if row.visitor}),
        ),
        Event.kind.in_({row.kind for row in rows}),
        Event.occurred_at.between(min(times), max(times)),
        or_(Event.dedupe_key.is_(None), ~replaying.is_imported()),
    )
    return {(member_id, kind, at, object) for member_id, kind, at, object in session.execute(query)}


def ranked(row: EventRow, rank: int) -> EventRow:
    """The row as the `rank`-th of its equals; what has an id needs none."""
    return row if row.id else replace(row, rank=rank)
