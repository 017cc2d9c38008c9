"""Claiming campaign chunks, many at a time: the last look, the final recipients, and the requests to make now.

A multicast chunk is one request. A push chunk (bodies differ by person) is worked off a batch of
people at a time, so that no lease outlives its work. Everything about people is set-based.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, String, bindparam, cast, func, select, update
from sqlalchemy.orm import Session

from line import looking
from line.closing import finish_campaigns, has_open_ends, withhold_stopped
from line.contact import KEY_LIFE
from line.letters import LEASE, LONGEST
from line.rate import AHEAD, bucket_of, rate_of, room, take
from line.settling import settle
from models.arithmetic import as_json
from models.base import Base
from models.campaign import Campaign, CampaignChunk
from models.channel import RateBucket, the_channel
from models.clock import Clock, is_free, machine_now
from models.programme import the_brand
from models.session import Sessions

PUSHES_AT_A_TIME = 100
# The share of all moments ahead that should be free: each claim has its price, whatever its size.
WORTH_A_CLAIM = {"multicast": 0.5, "push": 0.25}
SETTLED_AT_A_TIME = 8  # by a sender with nothing to send; the rest is the worker's (jobs/campaigns.py)
Written = tuple[bytes, str, int | None]  # a body, its retry key, the one recipient if it has one
CHUNK = Base.metadata.tables["campaign_chunk"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a chunk: to everyone in it, or to one recipient. It may leave at `moment`, not before."""

    body: bytes
    retry_key: str
    moment: float
    recipient_id: int | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A claimed chunk with the requests to make now."""

    campaign_id: int
    no: int
    fence: int
    endpoint: str
    attempts: int
    is_first: bool
    requests: list[Request]


def claim(sessions: Sessions, clock: Clock, *, limit: int) -> list[Chunk]:
    """Takes up to `limit` chunks of campaigns that are being sent; settles what needs no sending."""
    with sessions.reading() as session:  # most looks find nothing, and a write lock is not to be had for nothing
        campaigns = _sending(session, clock.now(session))
        if not (_is_there_room(session, campaigns) if campaigns else has_open_ends(session)):
            return []
    with sessions.writing() as session:
        now = clock.now(session)
        chunks = _claim(session, clock, limit)
        if not chunks:
            withhold_stopped(session, machine_now(session))
            settle(session, now, limit=SETTLED_AT_A_TIME)
            finish_campaigns(session, now)
        session.commit()
        return chunks


def _sending(session: Session, now: datetime) -> Sequence[Campaign]:
    """Campaigns that may leave now. Whatever held one up (a pause, no quota, no worker), none leaves at night."""
    if the_channel(session).stopped_reason or the_brand(session).is_quiet(now):
        return []
    return session.scalars(select(Campaign).where(Campaign.state == "sending").order_by(Campaign.id)).all()


def _is_there_room(session: Session, campaigns: Iterable[Campaign]) -> bool:
    """Whether a claim is worth its while: moments are given away ahead, so it may wait until there are many."""
    machine = machine_now(session)
    wanted = select(RateBucket).where(RateBucket.channel_id == the_channel(session).id)
    buckets = {bucket.endpoint: bucket for bucket in session.scalars(wanted)}
    for endpoint in {_endpoint(campaign) for campaign in campaigns}:
        bucket = buckets.get(endpoint)
        if bucket is None or room(bucket, machine) >= WORTH_A_CLAIM[endpoint] * _capacity(bucket, machine):
            return True
    return False


def _capacity(bucket: RateBucket, machine: datetime) -> float:
    """Requests that may be given a moment ahead at all."""
    return rate_of(bucket, machine) * AHEAD.total_seconds()


def _due(campaign: Campaign, machine: datetime) -> Select[*tuple[Any, ...]]:
    chunk = CampaignChunk
    due = select(
        chunk.campaign_id, chunk.no, chunk.fence, chunk.attempts, chunk.first_attempt_at, chunk.retry_key,
        chunk.first_member_id, chunk.last_member_id, chunk.size, chunk.recipients.is_(None).label("is_fresh"),
    ).where(
        chunk.campaign_id == campaign.id,
        chunk.settled_at.is_(None),
        chunk.state.in_(("ready", "claimed")),
        is_free(chunk.lease_until, machine, longest=LONGEST),
    )  # fmt: skip
    return due.order_by(chunk.no).with_for_update(skip_locked=True)


def _claim(session: Session, clock: Clock, limit: int) -> list[Chunk]:
    claimed: list[Chunk] = []
    campaigns = _sending(session, clock.now(session))
    now = clock.shared_now(session)  # how old an attempt is must not depend on which host asks
    # In one order, as everybody locks the buckets.
    for endpoint in ("multicast", "push"):
        mine = [campaign for campaign in campaigns if _endpoint(campaign) == endpoint]
        machine = machine_now(session)
        bucket = bucket_of(session, the_channel(session).id, endpoint) if mine else None
        for campaign in mine:
            assert bucket is not None
            free, whole = room(bucket, machine), _whole(bucket, machine)
            most = min(limit - len(claimed), free // whole)
            if most <= 0:
                break
            rows = _not_too_old(session, session.execute(_due(campaign, machine).limit(most)).all(), now)
            take_up = _multicasts if endpoint == "multicast" else _pushes
            claimed += take_up(session, campaign, rows, bucket, now, machine) if rows else []
    return claimed


def _endpoint(campaign: Campaign) -> str:
    return "multicast" if campaign.how == "multicast" else "push"


def _whole(bucket: RateBucket, machine: datetime) -> int:
    """Requests of a chunk at a time: half a batch is worth a claim only where the rate allows no whole one."""
    if bucket.endpoint == "multicast":
        return 1
    return min(PUSHES_AT_A_TIME, max(1, int(_capacity(bucket, machine))))


def _not_too_old(session: Session, rows: Iterable[Row[Any]], now: datetime) -> list[Row[Any]]:
    """What LINE may have forgotten by now cannot be repeated safely: a person decides."""
    good: list[Row[Any]] = []
    old: list[Row[Any]] = []
    for row in rows:
        is_old = row.first_attempt_at is not None and now - row.first_attempt_at > KEY_LIFE
        (old if is_old else good).append(row)
    _finish(session, old, state="unsure", reason="too_old")
    return good


def _multicasts(
    session: Session,
    campaign: Campaign,
    rows: list[Row[Any]],
    bucket: RateBucket,
    now: datetime,
    machine: datetime,
) -> list[Chunk]:
    fresh = [row for row in rows if row.is_fresh]
    looked = looking.at_multicasts(session, fresh, now) if fresh else {}
    _finish(session, [row for row in fresh if not looked[row.no].count], state="sent", settled_at=now, size=0)
    going = [row for row in rows if not row.is_fresh or looked[row.no].count]
    ids = _stored_ids(session, campaign, [row for row in going if not row.is_fresh])
    ids |= {no: each.ids for no, each in looked.items()}
    keys = {row.no: row.retry_key or looking.multicast_key(campaign, row.no, ids[row.no]) for row in going}
    _mark_claimed(session, going, looked, keys, now, machine)
    body_of = looking.multicast_bodies(campaign)
    made: list[tuple[Row[Any], list[Written]]] = [(row, [(body_of(ids[row.no]), keys[row.no], None)]) for row in going]
    return _timed(session, "multicast", made, bucket)


def _pushes(
    session: Session,
    campaign: Campaign,
    rows: list[Row[Any]],
    bucket: RateBucket,
    now: datetime,
    machine: datetime,
) -> list[Chunk]:
    looked = looking.at_pushes(session, [*_with_recipients(session, rows)], now)
    for row in rows:
        if not looked[row.no].people:
            looking.settle_vanished(session, row, now)
    _finish(session, [row for row in rows if not looked[row.no].people], state="sent", settled_at=now)
    going, most = [row for row in rows if looked[row.no].people], _whole(bucket, machine)
    _mark_claimed(session, going, looked, {}, now, machine)
    made = [(row, _letters(campaign, looked[row.no].people[:most])) for row in going]
    return _timed(session, "push", made, bucket)


def _letters(campaign: Campaign, people: Sequence[Row[Any]]) -> list[Written]:
    return [(looking.push_body(campaign, each), looking.push_key(campaign, each), each.id) for each in people]


def _timed(
    session: Session, endpoint: str, made: Sequence[tuple[Row[Any], list[Written]]], bucket: RateBucket
) -> list[Chunk]:
    """Gives each request its moment. Last of all: moments begin now, and what goes by before is lost."""
    moments = iter(take(bucket, sum(len(written) for _, written in made), machine_now(session)))
    chunks = []
    for row, written in made:
        requests = [Request(body, key, next(moments), recipient_id) for body, key, recipient_id in written]
        is_first = row.first_attempt_at is None
        chunks.append(Chunk(row.campaign_id, row.no, row.fence + 1, endpoint, row.attempts + 1, is_first, requests))
    return chunks


def _of(campaign_id: int, rows: Sequence[Row[Any]]) -> Any:
    return (CampaignChunk.campaign_id == campaign_id) & CampaignChunk.no.in_([row.no for row in rows])


def _stored_ids(session: Session, campaign: Campaign, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """The recipients that were stored before the first attempt, as the JSON text they are."""
    if not rows:
        return {}
    kept = select(CampaignChunk.no, cast(CampaignChunk.recipients, String)).where(_of(campaign.id, rows))
    return dict(session.execute(kept).all())


def _with_recipients(session: Session, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    columns = (CampaignChunk.campaign_id, CampaignChunk.no, CampaignChunk.first_member_id)
    wanted = select(*columns, CampaignChunk.last_member_id, CampaignChunk.recipients)
    return session.execute(wanted.where(_of(rows[0].campaign_id, rows))).all()


def _mark_claimed(
    session: Session,
    rows: Sequence[Row[Any]],
    looked: dict[int, looking.Looked],
    keys: dict[int, str],
    now: datetime,
    machine: datetime,
) -> None:
    """Before the first attempt, the final recipients; they and its moment stay as they are from then on."""
    if not rows:
        return
    final = as_json(bindparam("ids", type_=String))
    mine = (CHUNK.c.campaign_id == bindparam("its_campaign")) & (CHUNK.c.no == bindparam("its_no"))
    claimed = update(CHUNK).where(mine).values(
        state="claimed", fence=CHUNK.c.fence + 1, attempts=CHUNK.c.attempts + 1, lease_until=machine + LEASE,
        first_attempt_at=func.coalesce(CHUNK.c.first_attempt_at, now), retry_key=bindparam("key"),
        recipients=func.coalesce(CHUNK.c.recipients, final), size=func.coalesce(bindparam("count"), CHUNK.c.size),
    )  # fmt: skip
    values = [
        {
            "its_campaign": row.campaign_id, "its_no": row.no, "key": keys.get(row.no),
            "ids": looked[row.no].ids if row.is_fresh else None,
            "count": looked[row.no].count if row.is_fresh else None,
        }
        for row in rows
    ]  # fmt: skip
    session.execute(claimed, values)


def _finish(session: Session, rows: Sequence[Row[Any]], **values: Any) -> None:
    for campaign_id, some in groupby(rows, key=lambda row: row.campaign_id):
        done = update(CampaignChunk).where(_of(campaign_id, list(some)))
        done = done.values(fence=CampaignChunk.fence + 1, **values)
        session.execute(done.execution_options(synchronize_session=False))
