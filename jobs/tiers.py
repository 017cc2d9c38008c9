"""Tiers: at the end of a period, renews, starts the grace or lets fall; picks up what purchases changed."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from domain.operations import tiering
from jobs.runner import Progress
from jobs.timetable import daily
from models.purchase import Purchase
from models.session import Sessions

SCHEDULE = daily("03:40")
BATCH = 500
LOOK_BACK = timedelta(days=3)


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    with sessions.reading() as session:
        recent = select(Purchase.member_id).where(
            Purchase.recorded_at > now - LOOK_BACK, Purchase.member_id.is_not(None)
        )
        ids = sorted({*tiering.due_for_settling(session, now=now), *filter(None, session.scalars(recent))})
    moved = 0
    for at in range(0, len(ids), BATCH):
        with sessions.writing() as session:
            moved += tiering.settle(session, ids[at : at + BATCH], now=now)
            session.commit()
        progress(f"tiers: {min(at + BATCH, len(ids))} of {len(ids)} people")
    return {"looked_at": len(ids), "moved": moved}
