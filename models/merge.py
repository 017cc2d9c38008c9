"""Two records that are one person: what suggests it, what staff decided, and how it is undone (L18)."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime, where


class Merge(Base):
    """One record joined into another. Until undone, `gone` answers with `kept` wherever its identities are named.

    Identities and the LINE account stay on the record they were seen on. What happened moves to the kept
    record and keeps `via_id`: the record it happened on, before the merge or since. Undoing gives those rows
    back, so nothing has to be remembered row by row.
    """

    __tablename__ = "merge"
    __table_args__ = (
        Index("ix_merge_kept", "kept_id"),
        Index("uq_merge_open", "gone_id", unique=True, **where("undone_at IS NULL")),
    )

    id: Mapped[Key]
    kept_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    gone_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    reason: Mapped[Short]  # by_staff | verified_phone | line_id: the latter two only of a record with no other identity
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # The kept record's own columns as they were, where the merge filled or changed them.
    before: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
    undone_reason: Mapped[Text | None]


class MergeProposal(Base):
    """Two records that may be one person, with what suggests it, for staff to decide.

    State: open, merged, apart (staff said they are two people; it is not asked again on the same evidence).
    """

    __tablename__ = "merge_proposal"
    __table_args__ = (UniqueConstraint("low_id", "high_id"), Index("ix_merge_proposal_state", "state", "id"))

    id: Mapped[Key]
    low_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))  # the smaller member id of the two
    high_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    # [{"kind": "phone" | "line" | "email" | "name_birthday" | …, "value": masked, "strength": "same" | "suggests"}]
    evidence: Mapped[list[Any]] = mapped_column(Json, default=list)
    state: Mapped[Short] = mapped_column(default="open")
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
