"""Claiming campaign chunks, many at a time: the last look, the final recipients, and the requests to make now.

A multicast chunk is one request. A push chunk (bodies differ by person) is worked off a batch of
people at a time, so that no lease outlives its work. Everything about people is set-based.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, String, bindparam, cast, false, func, or_, select, update
from sqlalchemy.orm import Session

from line import looking
from line.closing import finish_campaigns, has_open_ends, withhold_stopped
from line.contact import KEY_LIFE
from line.letters import LEASE
from line.rate import AHEAD, bucket_of, rate_of, room, take
from line.settling import settle
from models.arithmetic import as_json
from models.base import Base
from models.campaign import Campaign, CampaignChunk
from models.channel import RateBucket, the_channel
from models.clock import Clock, machine_now
from models.programme import the_brand
from models.session import Sessions

PUSHES_AT_A_TIME = 100
SETTLED_AT_A_TIME = 8  # by a sender with nothing to send; the rest is the worker's (jobs/campaigns.py)
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
    with sessions.reading() as session:
        is_due = session.execute(_due(session, clock.now(session), machine_now(session)).limit(1)).first()
        if not is_due and not has_open_ends(session):
            return []
    with sessions.writing() as session:
        now = clock.now(session)
        chunks = _claim(session, now, limit) if is_due else []
        withhold_stopped(session, machine_now(session))
        if not chunks:
            settle(session, now, limit=SETTLED_AT_A_TIME)
        finish_campaigns(session, now)
        session.commit()
        return chunks


def _due(session: Session, now: datetime, machine: datetime) -> Select[*tuple[Any, ...]]:
    chunk = CampaignChunk
    due = (
        select(
            chunk.campaign_id, chunk.no, chunk.fence, chunk.attempts, chunk.first_attempt_at, chunk.retry_key,
            chunk.first_member_id, chunk.last_member_id, chunk.size, chunk.recipients.is_(None).label("is_fresh"),
        )
        .join(Campaign, Campaign.id == chunk.campaign_id)
        .where(
            Campaign.state == "sending",
            chunk.settled_at.is_(None),
            chunk.state.in_(("ready", "claimed")),
            or_(chunk.lease_until.is_(None), chunk.lease_until <= machine),
        )
        .order_by(chunk.campaign_id, chunk.no)
    )  # fmt: skip
    # Whatever held it up (a pause, no quota, no worker), no campaign leaves at night.
    must_wait = the_channel(session).stopped_reason or the_brand(session).is_quiet(now)
    return due.where(false()) if must_wait else due


def _claim(session: Session, now: datetime, limit: int) -> list[Chunk]:
    machine = machine_now(session)
    claimed: list[Chunk] = []
    for endpoint in ("multicast", "push"):
        bucket = bucket_of(session, the_channel(session).id, endpoint)
        free = room(bucket, machine)
        each = 1 if endpoint == "multicast" else PUSHES_AT_A_TIME
        # Half a batch is worth a claim only where the rate allows no whole one.
        whole = min(each, max(1, int(rate_of(bucket, machine) * AHEAD.total_seconds())))
        most = min(limit - len(claimed), free // whole)
        if most <= 0:
            continue
        of_kind = Campaign.how == "multicast" if endpoint == "multicast" else Campaign.how != "multicast"
        due = _due(session, now, machine).where(of_kind).with_for_update(skip_locked=True, of=CampaignChunk)
        rows = _not_too_old(session, session.execute(due.limit(most)).all(), now)
        for campaign_id, some in groupby(rows, key=lambda row: row.campaign_id):
            campaign = session.get_one(Campaign, campaign_id)
            take_up = _multicasts if endpoint == "multicast" else _pushes
            claimed += take_up(session, campaign, list(some), bucket, whole, now, machine)
    return claimed


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
    _whole: int,
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
    moments = take(bucket, len(going), machine)
    return [
        _chunk(row, "multicast", [Request(looking.multicast_body(campaign, ids[row.no]), keys[row.no], moment)])
        for row, moment in zip(going, moments, strict=True)
    ]


def _pushes(
    session: Session,
    campaign: Campaign,
    rows: list[Row[Any]],
    bucket: RateBucket,
    most: int,
    now: datetime,
    machine: datetime,
) -> list[Chunk]:
    looked = looking.at_pushes(session, [*_with_recipients(session, rows)], now)
    for row in rows:
        if not looked[row.no].people:
            looking.settle_vanished(session, row, now)
    _finish(session, [row for row in rows if not looked[row.no].people], state="sent", settled_at=now)
    going = [row for row in rows if looked[row.no].people]
    _mark_claimed(session, going, looked, {}, now, machine)
    moments = iter(take(bucket, sum(min(most, len(looked[row.no].people)) for row in going), machine))
    return [_chunk(row, "push", list(_letters(campaign, looked[row.no].people[:most], moments))) for row in going]


def _letters(campaign: Campaign, people: Sequence[Row[Any]], moments: Iterator[float]) -> Iterator[Request]:
    for person in people:
        body, key = looking.push_body(campaign, person), looking.push_key(campaign, person)
        yield Request(body, key, next(moments), person.id)


def _chunk(row: Row[Any], endpoint: str, requests: list[Request]) -> Chunk:
    is_first = row.first_attempt_at is None
    return Chunk(row.campaign_id, row.no, row.fence + 1, endpoint, row.attempts + 1, is_first, requests)


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
