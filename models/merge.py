"""Two records that are one person: what suggests it, what staff decided, and how it is undone (L18)."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, event
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session

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


def came_by(session: Session, member_id: int, via_id: int | None) -> None:
    """From here on in this session, this person acts by an identity of the record `via_id`; None: by their own."""
    ways: dict[int, int] = session.info.setdefault("came_by", {})
    if via_id is None:
        ways.pop(member_id, None)
    else:
        ways[member_id] = via_id


def via_of(session: Session, member_id: int | None) -> int | None:
    """The record by whose identity this person acts in this session, when that was joined into theirs."""
    ways: dict[int | None, int] | None = session.info.get("came_by")
    return ways.get(member_id) if ways else None


@event.listens_for(Base, "before_insert", propagate=True)
def _note_via(_mapper: Any, _connection: Any, row: Any) -> None:
    """What is written of a person keeps by which record they came, whoever writes it."""
    if getattr(row, "via_id", 0) is not None:
        return  # has no such column, or says it
    session = object_session(row)
    if session is not None:
        row.via_id = via_of(session, row.referrer_id if hasattr(row, "referrer_id") else row.member_id)
