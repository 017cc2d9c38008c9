"""Missions and their rounds; who brought whom; tickets and draws; surveys are forms (models/programme.py)."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime, where


class Mission(Base):
    """A measure of what happened, within a window; on reaching `target`, a benefit once a round (design §2).

    Measure and window are shaped in domain/scores/_mission.py: {"of": "purchase" or an event kind, "by": "times" |
    "days" | "stores" | "products" | "amount", with what narrows it}; {"from", "until"} | {"per": "month" | "week" |
    "year"} | {"days": n, "since": "registered" | "first_step"}. An amount is in whole currency units.
    """

    __tablename__ = "mission"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # per language
    text: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # what to do, per language
    measure: Mapped[dict[str, Any]] = mapped_column(Json)
    target: Mapped[int] = mapped_column(BigInt)
    window: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    rule: Mapped[dict[str, Any] | None] = mapped_column(Json)  # for whom; None = every member
    reward: Mapped[dict[str, Any]] = mapped_column(Json)  # a benefit
    rounds: Mapped[int | None]  # a person's rounds per window; None = no end
    rewards_per_month: Mapped[int | None]  # a person's cap
    is_shown: Mapped[bool] = mapped_column(default=True)  # on the card, with its progress
    version: Mapped[int] = mapped_column(default=1)
    enabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What happened before it was first switched on counts only where the window says from when.
    counts_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_good_run: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MissionRound(Base):
    """A person's progress in one round of a mission: derived from what happened, rewarded once."""

    __tablename__ = "mission_round"
    __table_args__ = (
        UniqueConstraint("mission_id", "member_id", "period", "round"),
        Index("ix_mission_round_member", "member_id"),
    )

    id: Mapped[Key]
    mission_id: Mapped[int] = mapped_column(BigInt, ForeignKey("mission.id"))
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    period: Mapped[Short] = mapped_column(default="")  # of a window that repeats: 2026-11
    round: Mapped[int] = mapped_column(default=1)
    progress: Mapped[int] = mapped_column(BigInt, default=0)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reached_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rewarded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[Short | None]  # why a reached round was not rewarded: capped, sold_out, …
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Referral(Base):
    """One new person who came by a member's link. The first link wins: a person has one row.

    State: clicked, succeeded, refused (reason: known_before, same_person, too_late).
    """

    __tablename__ = "referral"
    __table_args__ = (Index("ix_referral_referrer", "referrer_id", "state"),)

    id: Mapped[Key]
    referrer_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    person_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"), unique=True)
    via_id: Mapped[int | None] = mapped_column(BigInt)  # of the referrer, as models/event.py
    clicked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[Short] = mapped_column(default="clicked")
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[Short | None]


class Draw(Base):
    """A lottery anyone can check afterwards.

    `seed_hash` (SHA-256 of the seed) is public before the first ticket; at the draw the list of tickets is frozen
    and hashed, the seed is shown, and the winners follow from both by a rule that is written down.
    """

    __tablename__ = "draw"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # per language
    prizes: Mapped[list[Any]] = mapped_column(Json, default=list)  # [{"benefit": {…}, "count": 3}], best first
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)  # no ticket counts after
    one_prize_each: Mapped[bool] = mapped_column(default=True)
    seed: Mapped[bytes] = mapped_column(LargeBinary)  # secret until drawn
    seed_hash: Mapped[Short]
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    list_hash: Mapped[Short | None]
    drawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Ticket(Base):
    """The ledger of lottery tickets. One withdrawn before the draw (its purchase was refunded) does not count."""

    __tablename__ = "ticket"
    __table_args__ = (Index("ix_ticket_draw", "draw_id", "id"), Index("ix_ticket_member", "member_id"))

    id: Mapped[Key]
    ref: Mapped[Short] = mapped_column(unique=True)  # public: what the list of the draw shows
    draw_id: Mapped[int] = mapped_column(BigInt, ForeignKey("draw.id"))
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    cause: Mapped[Text] = mapped_column(unique=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    place: Mapped[int | None]  # in the draw, from 1
    prize: Mapped[int | None]  # which of the draw's prizes, from 0
    given_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the prize, once it was drawn
    reason: Mapped[Short | None]  # why a prize could not be given: sold_out, …


class ProgrammeVersion(Base):
    """A programme as it was applied, or is to be applied from a day: to go back to, and to plan ahead (L16, L19).

    State: planned, applied, cancelled, failed (`error` says why; nothing was changed).
    """

    __tablename__ = "programme_version"
    __table_args__ = (Index("ix_programme_version_planned", "applies_at", **where("state = 'planned'")),)

    id: Mapped[Key]
    sha: Mapped[Short]
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    words: Mapped[Text] = mapped_column(default="")  # what it was for
    by: Mapped[Text]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    applies_at: Mapped[datetime] = mapped_column(UtcDateTime)
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[Short] = mapped_column(default="applied")
    error: Mapped[str | None]
