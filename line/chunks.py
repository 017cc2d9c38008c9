"""Campaign chunks: claiming, the last look, freezing the final recipients, and the outcome.

A multicast chunk is one request. A push chunk (bodies differ by person) is worked off a batch of
people at a time, so that no lease outlives its work. Everything about people is set-based.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, false, or_, select
from sqlalchemy.orm import Session

from line.closing import close_campaigns, has_open_ends
from line.contact import KEY_LIFE, refusal, settle_recipients
from line.letters import LEASE
from line.rate import bucket_of, room, take
from line.transport import encode
from models.campaign import Campaign, CampaignChunk, Recipient
from models.channel import the_channel
from models.clock import Clock, machine_now
from models.member import Friend, Member
from models.programme import the_brand
from models.session import Sessions
from models.substitution import fill

# Retry keys are derived: every attempt of every worker at the same thing uses the same one (I4).
RETRY_KEYS = uuid.UUID("0f3f6a56-6f0d-4f0e-8a53-9d3f3c1f7a55")
PUSHES_AT_A_TIME = 100


@dataclass(frozen=True)
class Request:
    """One request of a chunk: to everyone in it, or to one recipient."""

    body: bytes
    retry_key: str
    wait: float
    recipient_id: int | None = None


@dataclass(frozen=True)
class Chunk:
    """A claimed chunk with the requests to make now."""

    campaign_id: int
    no: int
    fence: int
    endpoint: str
    attempts: int
    is_first: bool
    requests: list[Request] = field(default_factory=list)


def claim(sessions: Sessions, clock: Clock, *, limit: int) -> list[Chunk]:
    """Takes up to `limit` chunks of campaigns that are being sent; settles what needs no sending."""
    with sessions.reading() as session:
        due = _due(session, clock.now(session), machine_now(session)).limit(1)
        if not has_open_ends(session) and not session.execute(due).first():
            return []
    with sessions.writing() as session:
        now = clock.now(session)
        chunks = _claim(session, now, limit)
        close_campaigns(session, machine_now(session), now)
        session.commit()
        return chunks


def _due(session: Session, now: datetime, machine: datetime) -> Select[*tuple[Any, ...]]:
    chunk = CampaignChunk
    due = (
        select(chunk, Campaign)
        .join(Campaign, Campaign.id == chunk.campaign_id)
        .where(
            Campaign.state == "sending",
            chunk.state.in_(("ready", "claimed")),
            or_(chunk.lease_until.is_(None), chunk.lease_until <= machine),
        )
        .order_by(chunk.campaign_id, chunk.no)
    )
    # Whatever held it up (a pause, no quota, no worker), no campaign leaves at night.
    must_wait = the_channel(session).stopped_reason or the_brand(session).is_quiet(now)
    return due.where(false()) if must_wait else due


def _claim(session: Session, now: datetime, limit: int) -> list[Chunk]:
    channel, machine = the_channel(session), machine_now(session)
    buckets = {name: bucket_of(session, channel.id, name) for name in ("push", "multicast")}
    due = _due(session, now, machine).with_for_update(skip_locked=True, of=CampaignChunk)
    claimed = []
    for row in session.execute(due.limit(limit)).all():
        bucket = buckets[_endpoint(row.Campaign)]
        if not room(bucket, machine):
            continue
        chunk = _take_up(session, row.CampaignChunk, row.Campaign, now, room(bucket, machine))
        if chunk is None:
            continue
        row.CampaignChunk.lease_until = machine + LEASE
        waits = take(bucket, len(chunk.requests), machine)
        timed = [Request(**{**each.__dict__, "wait": wait}) for each, wait in zip(chunk.requests, waits, strict=True)]
        claimed.append(Chunk(**{**chunk.__dict__, "requests": timed}))
    return claimed


def _endpoint(campaign: Campaign) -> str:
    return "multicast" if campaign.how == "multicast" else "push"


def _take_up(session: Session, chunk: CampaignChunk, campaign: Campaign, now: datetime, most: int) -> Chunk | None:
    """Makes the chunk ours, or settles it when there is nothing (safe) to send."""
    if chunk.first_attempt_at is not None and now - chunk.first_attempt_at > KEY_LIFE:
        _settle(session, chunk, "unsure", reason="too_old", now=now)
        return None
    if chunk.recipients is None:
        _freeze(session, chunk, campaign, now)
    chunk.fence += 1
    requests = _requests(session, chunk, campaign, min(most, PUSHES_AT_A_TIME))
    if not requests:
        _settle_left(session, chunk, now)
        chunk.state = "sent"
        return None
    is_first = chunk.first_attempt_at is None
    chunk.state, chunk.attempts = "claimed", chunk.attempts + 1
    chunk.first_attempt_at = chunk.first_attempt_at or now
    return Chunk(
        chunk.campaign_id, chunk.no, chunk.fence, _endpoint(campaign), chunk.attempts, is_first, requests
    )  # fmt: skip


def _freeze(session: Session, chunk: CampaignChunk, campaign: Campaign, now: datetime) -> None:
    """The last look at everyone in the chunk; who remains is who it is sent to, for good."""
    withheld: dict[str, list[int]] = {}
    final = []
    for row in _people(session, chunk):
        reason = refusal(row, kind="marketing")
        if reason is None:
            final.append(row.user_id)
        else:
            withheld.setdefault(reason, []).append(row.id)
    for reason, ids in withheld.items():
        settle_recipients(session, Recipient.id.in_(ids), "withheld", reason=reason, now=now)
    chunk.recipients = final
    # One key, one body: looked at again before anything was accepted, other people make another key.
    chunk.retry_key = str(uuid.uuid5(RETRY_KEYS, f"{campaign.ref}:{chunk.no}:{','.join(final)}"))


def _settle_left(session: Session, chunk: CampaignChunk, now: datetime) -> None:
    """Who vanished after the chunk was frozen can be asked for no more, and is not dropped in silence (I3)."""
    # An attempt whose answer nobody understood may have been accepted.
    state = "withheld" if chunk.first_attempt_at is None else "unsure"
    for row in _people(session, chunk):
        reason = refusal(row, kind="marketing") or "no_line_id"
        settle_recipients(session, Recipient.id == row.id, state, reason=reason, now=now)


def _people(session: Session, chunk: CampaignChunk) -> list[Row[Any]]:
    """Who of this chunk is still to be sent to, with what the last look and the body need."""
    people = (
        select(
            Recipient.id, Recipient.merge, Recipient.member_id, Member.ref, Member.erased_at,
            Member.marketing_consent, Friend.is_following, Friend.user_id,
        )
        .join(Member, Member.id == Recipient.member_id)
        .outerjoin(Friend, Friend.member_id == Recipient.member_id)
        .where(*_of(chunk), Recipient.state == "ready")
        .order_by(Recipient.id)
    )  # fmt: skip
    return list(session.execute(people))


def _of(chunk: CampaignChunk) -> tuple[Any, ...]:
    return Recipient.campaign_id == chunk.campaign_id, Recipient.chunk_no == chunk.no


def _requests(session: Session, chunk: CampaignChunk, campaign: Campaign, most: int) -> list[Request]:
    units = {"customAggregationUnits": [unit_of(campaign)]}
    if campaign.how == "multicast":
        if not chunk.recipients:
            return []
        body = {"to": chunk.recipients, "messages": campaign.template, **units}
        return [Request(encode(body), chunk.retry_key or "", 0.0)]
    final = set(chunk.recipients or ())
    people = [row for row in _people(session, chunk) if row.user_id in final]
    return [
        Request(
            encode({"to": row.user_id, "messages": fill(campaign.template, row.merge), **units}),
            str(uuid.uuid5(RETRY_KEYS, f"{campaign.ref}:member:{row.ref}")),
            0.0,
            row.id,
        )
        for row in people[:most]
    ]


def unit_of(campaign: Campaign) -> str:
    """The name LINE's statistics know the campaign by: one a campaign, 30 characters at most."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in campaign.ref)[:30]


def _settle(session: Session, chunk: CampaignChunk, state: str, *, reason: str | None, now: datetime) -> None:
    chunk.state, chunk.error = state, reason
    settle_recipients(session, and_(*_of(chunk)), state, reason=reason, now=now)
