"""The journey: what happened to people. Append-only."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime, where


class Event(Base):
    """Something that happened. `domain/events.py` declares every kind; only operations/recording writes here.

    `day` is the local day of `occurred_at`, kept so that "a later day" is a plain comparison.
    `campaign_id` and `message_id` are the send that led here (a campaign or automation, and the one
    personal message of it), when there was one.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_member_kind", "member_id", "kind", "occurred_at"),
        Index("ix_event_kind_day", "kind", "day", "member_id"),
        Index("ix_event_campaign", "campaign_id", "kind"),
        Index("ix_event_recorded_at", "recorded_at"),
        Index("ix_event_via", "via_id", **where("via_id IS NOT NULL")),
        Index("ix_event_actor", "actor_ref", **where("actor_ref IS NOT NULL")),
    )

    id: Mapped[Key]
    member_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("member.id"))
    # The record it happened on, when that was merged into this person: an unmerge gives it back (models/merge.py).
    via_id: Mapped[int | None] = mapped_column(BigInt)
    # What an unknown person was called (a browser's own id): found again when we learn who it was.
    actor_ref: Mapped[Text | None]
    kind: Mapped[Short]
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    day: Mapped[date] = mapped_column(Date)
    source: Mapped[Short]
    campaign_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("campaign.id"))
    message_id: Mapped[int | None] = mapped_column(BigInt)
    object: Mapped[Text | None]
    # Read from a file of the past: moves figures, starts nothing.
    is_history: Mapped[bool] = mapped_column(default=False)
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # What makes this event the same event when it comes again; None = each is its own.
    dedupe_key: Mapped[Text | None] = mapped_column(unique=True)
