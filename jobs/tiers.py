"""Tiers: at the end of a period, renews, starts the grace or lets fall; picks up what purchases changed."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from domain.operations import tiering
from jobs.runner import Progress
from jobs.timetable import daily
from models.event import Event
from models.programme import the_brand
from models.purchase import Purchase, PurchaseLine
from models.session import Sessions

SCHEDULE = daily("03:40")
BATCH = 500
LOOK_BACK = timedelta(days=3)


def run(sessions: Sessions, *, now: datetime, progress: Progress) -> dict[str, Any]:
    since = now - LOOK_BACK
    with sessions.reading() as session:
        ids = sorted({*tiering.due_for_settling(session, now=now), *_lately(session, since), *_came(session, since)})
    moved = 0
    for at in range(0, len(ids), BATCH):
        with sessions.writing() as session:
            moved += tiering.settle(session, ids[at : at + BATCH], now=now)
            session.commit()
        progress(f"tiers: {min(at + BATCH, len(ids))} of {len(ids)} people")
    return {"looked_at": len(ids), "moved": moved}


def _lately(session: Session, since: datetime) -> set[int]:
    """Whose orders were recorded since then, or paid back by an order that was."""
    paid_back = (
        select(PurchaseLine.refund_of)
        .join(Purchase, Purchase.id == PurchaseLine.purchase_id)
        .where(Purchase.recorded_at > since, PurchaseLine.refund_of.is_not(None))
    )
    moved = or_(Purchase.recorded_at > since, Purchase.order_ref.in_(paid_back.scalar_subquery()))
    return {each for each in session.scalars(select(Purchase.member_id).where(moved).distinct()) if each is not None}


def _came(session: Session, since: datetime) -> set[int]:
    """Who was in a store, as learned since then, where tiers go by visits."""
    if the_brand(session).tiers_by != "visits":
        return set()
    came = select(Event.member_id).where(Event.kind == "visited", Event.recorded_at > since).distinct()
    return {each for each in session.scalars(came) if each is not None}
