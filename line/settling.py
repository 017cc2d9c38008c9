"""Settling: the people of a multicast chunk become what their chunk has become, many chunks a statement.

The sender writes one row a chunk. This may follow at leisure, on any host, and be cut off anywhere:
whoever settled a chunk says so in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, case, null, select, update
from sqlalchemy.orm import Session

from line.contact import was_following
from line.looking import of_chunks
from models.campaign import OVER_CHUNKS, CampaignChunk, Recipient

AT_A_TIME = 20  # chunks: short enough that nobody who waits for the same rows notices


def is_over() -> ColumnElement[bool]:
    """Chunks whose people have not followed yet."""
    return CampaignChunk.settled_at.is_(None) & CampaignChunk.state.in_(OVER_CHUNKS)


def settle(session: Session, now: datetime, *, limit: int = AT_A_TIME) -> int:
    """Brings some chunks' people in step with them; returns how many chunks."""
    chunk = CampaignChunk
    columns = (chunk.campaign_id, chunk.no, chunk.first_member_id, chunk.last_member_id)
    over = select(*columns).where(is_over()).order_by(chunk.campaign_id, chunk.no).limit(limit)
    rows = session.execute(over.with_for_update(skip_locked=True)).all()
    for campaign_id, some in groupby(rows, key=lambda row: row.campaign_id):
        _settle(session, campaign_id, list(some), now)
    return len(rows)


def _settle(session: Session, campaign_id: int, rows: Sequence[Any], now: datetime) -> None:
    chunk = CampaignChunk
    mine = (chunk.campaign_id == campaign_id) & chunk.no.in_([row.no for row in rows])
    follows = was_following(Recipient.member_id, chunk.sent_at)
    people = (
        update(Recipient)
        .where(of_chunks(rows), Recipient.state == "ready", mine, chunk.no == Recipient.chunk_no)
        .values(
            state=chunk.state, reason=chunk.reason, sent_at=chunk.sent_at,
            was_reachable=case((chunk.state == "sent", follows), else_=null()),
        )
    )  # fmt: skip
    session.execute(people.execution_options(synchronize_session=False))
    done = update(chunk).where(mine).values(settled_at=now)
    session.execute(done.execution_options(synchronize_session=False))
