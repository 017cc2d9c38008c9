"""Every table, gathered once so that migrations and tests see them all."""

from models import (
    automation,
    benefit,
    campaign,
    channel,
    clock,
    event,
    inbox,
    member,
    merge,
    mission,
    outbox,
    people_set,
    points,
    programme,
    purchase,
    rollup,
    running,
    score,
    staff,
    store,
    upload,
)
from models.base import Base

__all__ = [
    "automation", "benefit", "campaign", "channel", "clock", "event", "inbox", "member", "merge", "mission", "outbox",
    "people_set", "points", "programme", "purchase", "rollup", "running", "score", "staff", "store",
    "upload",
]  # fmt: skip

metadata = Base.metadata
