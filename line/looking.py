"""The last look at the people of a chunk, and the bodies made of who remains.

A multicast's people are looked at and put together by the database: one row a chunk comes here, and the
names of those kept back. A push needs each person's values.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, String, and_, cast, func, select
from sqlalchemy.orm import Session

from line.contact import marketing_refusal, settle_recipients
from line.transport import encode
from models.campaign import Campaign, Recipient
from models.member import Friend, Member
from models.substitution import fill

# Retry keys are derived: every attempt of every worker at the same thing uses the same one (I4).
RETRY_KEYS = uuid.UUID("0f3f6a56-6f0d-4f0e-8a53-9d3f3c1f7a55")
GREATEST = 2**63 - 1


@dataclass
class Looked:
    """Who of a chunk is left: their LINE ids as JSON text, and how many."""

    ids: str = "[]"
    count: int = 0
    people: list[Row[Any]] = field(default_factory=list)  # of a push, with their values


def of_chunks(chunks: Sequence[Any]) -> ColumnElement[bool]:
    """The recipients of these chunks of one campaign: a run of the unique key, by number."""
    return and_(
        Recipient.campaign_id == chunks[0].campaign_id,
        Recipient.member_id.between(
            min(chunk.first_member_id or 0 for chunk in chunks),
            max(chunk.last_member_id or GREATEST for chunk in chunks),
        ),
        Recipient.chunk_no.in_([chunk.no for chunk in chunks]),
    )


def at_multicasts(session: Session, chunks: Sequence[Any], now: datetime) -> dict[int, Looked]:
    """The last look at chunks that all get the same body; who is kept back is withheld."""
    people = _people(chunks, Recipient.id).subquery()
    stays, named = people.c.reason.is_(None), cast(people.c.id, String) + ":" + people.c.reason
    looked = select(
        people.c.chunk_no.label("no"),
        # What passes for a LINE id needs no escaping in JSON.
        func.aggregate_strings(people.c.user_id, '","').filter(stays).label("ids"),
        func.count().filter(stays).label("left"),
        func.aggregate_strings(named, ",").filter(~stays).label("kept_back"),
    ).group_by(people.c.chunk_no)
    found = {chunk.no: Looked() for chunk in chunks}
    kept_back: list[tuple[int, str]] = []
    for row in session.execute(looked):
        found[row.no] = Looked(f'["{row.ids}"]' if row.left else "[]", row.left)
        pairs = (each.split(":") for each in (row.kept_back or "").split(",") if each)
        kept_back += [(int(recipient_id), reason) for recipient_id, reason in pairs]
    _withhold(session, kept_back, now)
    return found


def at_pushes(session: Session, chunks: Sequence[Any], now: datetime) -> dict[int, Looked]:
    """The last look at chunks whose bodies differ by person, and who of those begun before is left."""
    found = {chunk.no: Looked() for chunk in chunks}
    begun = {chunk.no: set(chunk.recipients) for chunk in chunks if chunk.recipients is not None}
    kept_back: list[tuple[int, str]] = []
    in_doubt: list[tuple[int, str]] = []
    for row in session.execute(_people(chunks, Recipient.id, Recipient.merge, Member.ref)):
        if row.reason is not None:
            # Of a chunk begun before, some attempt was not understood: it may have been this one's.
            (in_doubt if row.chunk_no in begun else kept_back).append((row.id, row.reason))
        elif row.chunk_no not in begun or row.user_id in begun[row.chunk_no]:
            found[row.chunk_no].people.append(row)
    _withhold(session, kept_back, now)
    _withhold(session, in_doubt, now, state="unsure")
    for chunk in chunks:
        ids = [row.user_id for row in found[chunk.no].people]
        looked = found[chunk.no]
        looked.count, looked.ids = len(ids), json.dumps(ids)
    return found


def _people(chunks: Sequence[Any], *columns: Any) -> Select[*tuple[Any, ...]]:
    """Who of these chunks is still to be sent to, and why they may not be, with what else is asked for."""
    reason = marketing_refusal().label("reason")
    return (
        select(Recipient.chunk_no, Friend.user_id, reason, *columns)
        .join(Member, Member.id == Recipient.member_id)
        .outerjoin(Friend, Friend.member_id == Recipient.member_id)
        .where(of_chunks(chunks), Recipient.state == "ready")
        .order_by(Recipient.member_id)
    )


def _withhold(session: Session, whom: Iterable[tuple[int, str]], now: datetime, *, state: str = "withheld") -> None:
    by_reason: dict[str, list[int]] = {}
    for recipient_id, reason in whom:
        by_reason.setdefault(reason, []).append(recipient_id)
    for reason, ids in by_reason.items():
        settle_recipients(session, Recipient.id.in_(ids), state, reason=reason, now=now)


def settle_vanished(session: Session, chunk: Any, now: datetime) -> None:
    """Who vanished after a push chunk was begun can be asked for no more, and is not dropped in silence (I3)."""
    # An attempt whose answer nobody understood may have been accepted.
    state = "withheld" if chunk.first_attempt_at is None else "unsure"
    for row in session.execute(_people([chunk], Recipient.id)):
        reason = row.reason or "no_line_id"
        settle_recipients(session, Recipient.id == row.id, state, reason=reason, now=now)


def multicast_key(campaign: Campaign, no: int, ids: str) -> str:
    """One key, one body: looked at again before anything was accepted, other people make another key."""
    listed = ids[2:-2].replace('","', ",")
    return str(uuid.uuid5(RETRY_KEYS, f"{campaign.ref}:{no}:{listed}"))


def multicast_bodies(campaign: Campaign) -> Callable[[str], bytes]:
    """Makes of ids what `encode` makes of the whole body; they are JSON already, as a database keeps it."""
    start = encode({"messages": campaign.template, **_units(campaign)})[:-1] + b',"to":'
    return lambda ids: start + ids.replace('", "', '","').encode() + b"}"


def push_body(campaign: Campaign, person: Row[Any]) -> bytes:
    return encode({"to": person.user_id, "messages": fill(campaign.template, person.merge), **_units(campaign)})


def push_key(campaign: Campaign, person: Row[Any]) -> str:
    return str(uuid.uuid5(RETRY_KEYS, f"{campaign.ref}:member:{person.ref}"))


def _units(campaign: Campaign) -> dict[str, list[str]]:
    return {"customAggregationUnits": [unit_of(campaign)]}


def unit_of(campaign: Campaign) -> str:
    """The name LINE's statistics know the campaign by: one a campaign, 30 characters at most."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in campaign.ref)[:30]
