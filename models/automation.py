"""Automations and who has entered them; what the clock has run."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime


class Automation(Base):
    """When something happens → for whom → after a wait → do actions. A row of the programme.

    trigger: {"event": kind} | {"date": "birth_month" | …} | {"rule": {...}} with its parameters;
    wait: {"days", "hours", "at": "10:00"}; actions: [{"do": "grant_coupon", …}, {"do": "say", …}].
    It acts only on what happens after `enabled_at`.
    """

    __tablename__ = "automation"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # per language
    kind: Mapped[Short] = mapped_column(default="marketing")  # service | marketing
    trigger: Mapped[dict[str, Any]] = mapped_column(Json)
    rule: Mapped[dict[str, Any] | None] = mapped_column(Json)
    wait: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    actions: Mapped[list[Any]] = mapped_column(Json, default=list)
    holdout_percent: Mapped[int] = mapped_column(default=10)
    reentry_days: Mapped[int | None]  # None: each cause once
    version: Mapped[int] = mapped_column(default=1)
    enabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    campaign_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("campaign.id"))
    # From when its present trigger counts: since it was switched on, or since the trigger was changed.
    watches_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_good_run: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # No longer in the programme; one that is only switched off has none.
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Enrolment(Base):
    """A person in an automation, once per `cause`.

    State: waiting, done, held_out, withheld, left, failed; and `outside`, of whom a rule became true that let
    nobody in: was so before, learned from history, or too soon after the last time. `over_at` is when the
    rule that let them in stopped holding: only then can it become true again.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("automation_id", "member_id", "cause"),
        Index("ix_enrolment_due", "state", "due_at"),
        Index("ix_enrolment_member", "member_id", "entered_at"),
        Index("ix_enrolment_open", "automation_id", "over_at"),
    )

    id: Mapped[Key]
    automation_id: Mapped[int] = mapped_column(BigInt, ForeignKey("automation.id"))
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    cause: Mapped[Text]
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[Short] = mapped_column(default="waiting")
    arm: Mapped[Short] = mapped_column(default="sent")
    reason: Mapped[Short | None]
    over_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class JobRun(Base):
    """One run of a job for a period (its business day or month). Unique, so a second run is a no-op.

    `lease_until` is machine time: a run whose lease has passed was killed and is taken up again.
    """

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "period"),)

    id: Mapped[Key]
    job: Mapped[Short]
    period: Mapped[Short]
    state: Mapped[Short] = mapped_column(default="running")  # running | done | failed
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    began_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # machine time, as finished_at
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fence: Mapped[int] = mapped_column(default=0)
    report: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    error: Mapped[str | None]
