"""What LINE's complaints mean for everything that waits: too fast, no messages left, a token that is no good."""

from collections.abc import Collection
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.orm import Session

from line.rate import bucket_of, slow_down
from models.campaign import OPEN_CHUNKS, Campaign, CampaignChunk
from models.channel import the_channel

log = structlog.get_logger()
OUT_OF_QUOTA, LOCKED_OUT = "out_of_quota", "locked_out"
NO_ATTEMPT = ("limited", OUT_OF_QUOTA, LOCKED_OUT)  # LINE looked at nothing


def note_trouble(
    session: Session, verdicts: Collection[str], endpoints: Collection[str], machine: datetime, now: datetime
) -> None:
    """Too fast: slow down. No quota or no valid token: what costs waits; campaigns out of quota wait for a person."""
    for verdict in (OUT_OF_QUOTA, LOCKED_OUT):
        if verdict in verdicts and the_channel(session).stopped_reason != verdict:
            the_channel(session).stopped_reason = verdict
            log.error("line stopped us", reason=verdict)
    if OUT_OF_QUOTA in verdicts:
        pause_campaigns(session, now)
    if "limited" in verdicts:
        for endpoint in sorted(endpoints):
            slow_down(bucket_of(session, the_channel(session).id, endpoint), machine)


def pause_campaigns(session: Session, now: datetime) -> None:
    """The month's messages are used up: whatever is being sent stops, until somebody says that it may go on."""
    session.flush()
    those = update(Campaign).where(Campaign.state == "sending", Campaign.channel_id == the_channel(session).id)
    paused = those.values(state="paused", state_at=now, paused_reason=OUT_OF_QUOTA)
    for ref in session.scalars(paused.returning(Campaign.ref).execution_options(synchronize_session="fetch")).all():
        log.warning("campaign paused", campaign=ref, reason=OUT_OF_QUOTA)


def waiting(now: datetime) -> Select[int]:
    """Campaigns that may go on by themselves as soon as there are messages: their window is open."""
    return select(Campaign.id).where(_waits(now))


def _waits(now: datetime) -> ColumnElement[bool]:
    return and_(Campaign.state == "paused", Campaign.paused_reason == OUT_OF_QUOTA, Campaign.goes_on_until > now)


def go_on(session: Session, now: datetime, *, left: int | None) -> None:
    """There are messages again: so many, or without limit. Who could not send even their next request waits on."""
    # Said of the row itself, not of a list of ids: who is stopped this very moment stays stopped.
    moved = update(Campaign).where(_waits(now), Campaign.channel_id == the_channel(session).id)
    if left is not None:
        moved = moved.where(or_(Campaign.how == "push", _next_size() <= left))
    moved = moved.values(state="sending", state_at=now, paused_reason=None)
    for ref in session.scalars(moved.returning(Campaign.ref).execution_options(synchronize_session=False)).all():
        log.warning("campaign goes on by itself", campaign=ref)


def _next_size() -> ColumnElement[int]:
    """How many people the chunk that would go next has."""
    mine = CampaignChunk.campaign_id == Campaign.id, CampaignChunk.settled_at.is_(None)
    following = select(CampaignChunk.size).where(*mine, CampaignChunk.state.in_(OPEN_CHUNKS))
    return func.coalesce(following.order_by(CampaignChunk.no).limit(1).correlate(Campaign).scalar_subquery(), 0)
