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
from domain.operations import naming, replaying
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
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:40]

    @property
    def send(self) -> str | None:
        """The campaign it belongs to; for what is about a campaign, the object may say it."""
        about = self.kind in (*MESSAGES, "participated")
        return self.campaign or (self.object if about else None)


def import_events(session: Session, rows: Sequence[EventRow], *, is_history: bool = False, now: datetime) -> Loaded:
    """Records the rows, one outcome each. The caller replays `changed` when all is loaded.

    `is_history`: from a file, so that they start nothing.
    """
    people = naming.find_members(session, {row.member_ref for row in rows})
    people |= naming.meet_friends(session, {row.member_ref for row in rows} - people.keys(), now=now)
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
        changed.note(row.kind, people[row.member_ref], row.object)
    return Loaded(outcomes, {people[row.member_ref] for row in rows if row.member_ref in people}, changed)


def _told_late(
    rows: Sequence[EventRow],
    outcomes: Sequence[Outcome],
    people: Mapping[str, int],
    *,
    is_history: bool,
    now: datetime,
) -> set[int]:
    """Whose past these rows told us something new about."""
    return {
        people[row.member_ref]
        for row, outcome in zip(rows, outcomes, strict=True)
        if outcome == "accepted" and row.member_ref in people and (is_history or not is_news(row.at, now=now))
    }


def _judge(row: EventRow, people: Mapping[str, int]) -> Outcome:
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
    session: Session, rows: Sequence[EventRow], people: Mapping[str, int], campaigns: Mapping[str, int]
) -> list[bool]:
    """Recipient rows of sends; for each row whether it was known."""
    new = [_recipient(row, people[row.member_ref], campaigns[row.send or ""]) for row in rows]
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


def _recipient(row: EventRow, member_id: int, campaign_id: int) -> dict[str, Any]:
    reason = str(row.data.get("reason") or "")[:64] or None
    held_out = row.kind == "withheld" and reason in HELD_OUT
    segments = row.data.get("segments")
    return {
        "campaign_id": campaign_id,
        "member_id": member_id,
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
    people: Mapping[str, int],
    campaigns: Mapping[str, int],
    *,
    is_history: bool,
    now: datetime,
) -> list[bool]:
    """The log; for each row whether it was known."""
    if not rows:
        return []
    calendar = calendar_of(session)
    keys = [row.key(people.get(row.member_ref)) for row in rows]
    stored = set(session.scalars(select(Event.dedupe_key).where(Event.dedupe_key.in_(keys))))
    own = _own_events(session, rows, people)
    known: list[bool] = []
    fresh: list[dict[str, Any]] = []
    for row, key in zip(rows, keys, strict=True):
        member_id = people.get(row.member_ref)
        repeated = key in stored or (member_id, row.kind, row.at, row.object) in own
        known.append(repeated)
        if not repeated:
            stored.add(key)
            fresh.append({
                "member_id": member_id, "kind": row.kind, "occurred_at": row.at, "recorded_at": now,
                "day": calendar.day_of(row.at), "source": row.source, "object": row.object,
                "campaign_id": campaigns.get(row.send or ""), "data": dict(row.data), "dedupe_key": key,
                "is_history": is_history,
            })  # fmt: skip
    if fresh:
        session.execute(insert_for(session)(Event).on_conflict_do_nothing(index_elements=["dedupe_key"]), fresh)
    return known


def _own_events(
    session: Session, rows: Sequence[EventRow], people: Mapping[str, int]
) -> set[tuple[int | None, str, datetime, str | None]]:
    """What we recorded ourselves of the same people and time: our own export must not double us when it comes back."""
    times = [row.at for row in rows]
    query = select(Event.member_id, Event.kind, Event.occurred_at, Event.object).where(
        Event.member_id.in_({people[row.member_ref] for row in rows if row.member_ref}),
        Event.kind.in_({row.kind for row in rows}),
        Event.occurred_at.between(min(times), max(times)),
        or_(Event.dedupe_key.is_(None), ~replaying.is_imported()),
    )
    return {(member_id, kind, at, object) for member_id, kind, at, object in session.execute(query)}


def ranked(row: EventRow, rank: int) -> EventRow:
    """The row as the `rank`-th of its equals; what has an id needs none."""
    return row if row.id else replace(row, rank=rank)
