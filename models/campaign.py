"""Sends to many: the campaign, its frozen audience in chunks, one recipient row per person."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime, where

# What a campaign may become next. There is no way back from sending to draft.
CAMPAIGN_MOVES: dict[str, frozenset[str]] = {
    "draft": frozenset({"approved", "cancelled"}),
    "approved": frozenset({"draft", "freezing", "cancelled"}),
    "freezing": frozenset({"sending", "cancelled"}),
    "sending": frozenset({"paused", "stopped", "sent"}),
    "paused": frozenset({"sending", "stopped"}),
    "stopped": frozenset(),
    "sent": frozenset(),
    "cancelled": frozenset(),
    # Not ours to send: an automation's messages, or sends read from an imported file.
    "standing": frozenset(),
    "imported": frozenset(),
}

# Of a chunk: not over; and over, one way or another, so that its people become what it has become.
OPEN_CHUNKS = ("waiting", "ready", "claimed")
OVER_CHUNKS = ("sent", "failed", "unsure", "withheld")


class Campaign(Base):
    """A send whose answers we count together. `ref` is how files and links name it.

    `kind`: campaign (a marketer's send), automation (all messages of one automation), imported.
    `how`: multicast when everyone gets the same body, push when merge fields differ.
    """

    __tablename__ = "campaign"

    id: Mapped[Key]
    ref: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[Text]
    kind: Mapped[Short] = mapped_column(default="campaign")
    state: Mapped[Short] = mapped_column(default="draft")
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)
    channel_id: Mapped[int] = mapped_column(BigInt, ForeignKey("channel.id"))
    how: Mapped[Short] = mapped_column(default="multicast")
    # The message being written: {"text", "button_label", "button_url", "image_url", "fallback": {...}}
    content: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # The frozen template, LINE JSON with {merge} fields; written at freezing, never changed after.
    template: Mapped[list[Any]] = mapped_column(Json, default=list)
    audience_rule: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # Keys of the segments whose engagement will be compared (J2).
    compare_segments: Mapped[list[Any]] = mapped_column(Json, default=list)
    holdout_percent: Mapped[int] = mapped_column(default=10)
    tag_key: Mapped[Short | None]  # given to whoever takes part
    edit_version: Mapped[int] = mapped_column(default=1)
    created_by_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
    edited_by_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))  # who changed it last
    approved_by_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    scheduled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    frozen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stopped_reason: Mapped[str | None]
    # Why it waits when nobody paused it: out_of_quota; until when it may then go on without being asked.
    paused_reason: Mapped[Short | None]
    goes_on_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    allowance_left: Mapped[int | None]  # messages of the month's plan when it was approved: what came after cost extra
    starts_on: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of an event people take part in
    ends_on: Mapped[datetime | None] = mapped_column(UtcDateTime)
    anonymous_heads: Mapped[int] = mapped_column(default=0)

    def may_become(self, state: str) -> bool:
        return state in CAMPAIGN_MOVES[self.state]


class CampaignChunk(Base):
    """Up to 500 people of one campaign, sent with one request (multicast) or one by one (push).

    `recipients` and `first_attempt_at` are stored before the first attempt and never change after, unless
    LINE certainly took nothing: then there was no attempt, and both are empty again.
    `fence` grows with each claim: who holds an old one may no longer write.
    State: waiting (values are being written), ready, claimed; then sent, failed, unsure, withheld, which is
    what its people become, with `reason`; or split into smaller ones. Until `settled_at` the people of a
    multicast still say `ready` though their chunk is done.
    Its people: recipients of the campaign with this chunk_no, whose member ids lie in first to last.
    """

    __tablename__ = "campaign_chunk"
    __table_args__ = (
        Index("ix_campaign_chunk_open", "campaign_id", "no", **where("settled_at IS NULL")),
        # Few at any time; whoever asks whether all is well asks for these.
        Index("ix_campaign_chunk_unsure", "campaign_id", "no", **where("state = 'unsure'")),
    )

    campaign_id: Mapped[int] = mapped_column(BigInt, ForeignKey("campaign.id"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[Short] = mapped_column(default="ready")
    size: Mapped[int]  # people to send to: as frozen, then as left by the last look
    first_member_id: Mapped[int | None] = mapped_column(BigInt)
    last_member_id: Mapped[int | None] = mapped_column(BigInt)
    origin_no: Mapped[int | None]  # of the chunk that LINE refused, when this is a piece of it
    recipients: Mapped[list[Any] | None] = mapped_column(Json)  # final LINE user ids
    retry_key: Mapped[Short | None]
    first_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    reason: Mapped[Short | None]
    request_id: Mapped[Short | None]  # LINE's, of the accepted request
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Recipient(Base):
    """One person in one send: the arm, the segments frozen with them, and what became of it.

    State: held_out, withheld (reason), ready, sent, failed (reason), unsure. Every metric about
    sends reads these rows; automations and imported sends write them too.
    No foreign keys: campaigns and members are never deleted, and a million checks are what freezing would
    pay for. Of one person's rows those sent have an index; all of them are found campaign by campaign.
    """

    __tablename__ = "recipient"
    __table_args__ = (
        UniqueConstraint("campaign_id", "member_id", "occasion"),
        Index("ix_recipient_member_sent", "member_id", "sent_at", **where("sent_at IS NOT NULL")),
        Index("ix_recipient_sent_at", "sent_at", **where("sent_at IS NOT NULL")),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(BigInt)
    member_id: Mapped[int] = mapped_column(BigInt)
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    # Why this person is in this send this time: "" for a campaign, e.g. "2026" for a birthday.
    occasion: Mapped[Short] = mapped_column(default="")
    chunk_no: Mapped[int | None]
    arm: Mapped[Short] = mapped_column(default="sent")  # sent | held_out
    state: Mapped[Short] = mapped_column(default="ready")
    reason: Mapped[Short | None]
    segments: Mapped[list[Any]] = mapped_column(Json, default=list)  # segment keys at freezing
    merge: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Followed us at the moment LINE accepted it. LINE says 200 for blocked people too.
    was_reachable: Mapped[bool | None]


class TrackedLink(Base):
    """A link that knows which send it came from; `member_id` only in personal messages."""

    __tablename__ = "tracked_link"

    token: Mapped[Short] = mapped_column(primary_key=True)
    url: Mapped[str]
    campaign_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("campaign.id"))
    message_id: Mapped[int | None] = mapped_column(BigInt)
    member_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
