"""Staff, what they did, what waits for them, and the keys of other systems."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime, where

ROLES = ("owner", "marketer", "store", "viewer")


class Staff(Base):
    """Someone who signs in to the console. `session_version` grows to end all their sessions."""

    __tablename__ = "staff"

    id: Mapped[Key]
    login: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[Text]
    role: Mapped[Short]
    store_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("store.id"))
    language: Mapped[Short | None]
    password_hash: Mapped[Text | None]
    totp_secret: Mapped[Text | None]  # encrypted
    totp_step: Mapped[int | None] = mapped_column(BigInt)  # time step of the last code used: none works twice
    session_version: Mapped[int] = mapped_column(default=1)
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Hash of the one-time link's token, until the password is set.
    invite_hash: Mapped[Text | None] = mapped_column(unique=True)
    invite_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditLine(Base):
    """What a member of staff did, to what. Never changed, never deleted."""

    __tablename__ = "audit_line"
    __table_args__ = (Index("ix_audit_line_at", "at"),)

    id: Mapped[Key]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    staff_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
    action: Mapped[Short]
    member_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("member.id"), index=True)
    object: Mapped[Text | None]
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class StaffNote(Base):
    """Words for or by staff about a person: a chat text waiting for an answer, a care task, a note.

    kind: chat | task | note | care (a low score: marketing to them waits until it is closed). An open one has
    `closed_at` None.
    """

    __tablename__ = "staff_note"
    __table_args__ = (
        Index("ix_staff_note_open", "closed_at", "created_at"),
        Index("ix_staff_note_care", "member_id", **where("kind = 'care' AND closed_at IS NULL")),
    )

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"), index=True)
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    kind: Mapped[Short]
    text: Mapped[str]
    line_message_id: Mapped[Short | None] = mapped_column(index=True)
    author_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
    closed_words: Mapped[str | None]
    assignee_id: Mapped[int | None] = mapped_column(BigInt)
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


def care_is_open(member_id: ColumnElement[int] | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether an unhappy person waits to hear from us: until somebody has closed it, no marketing goes to them."""
    return member_id.in_(select(StaffNote.member_id).where(care_waits()))


def care_waits() -> ColumnElement[bool]:
    """Over StaffNote: a case of care nobody has closed. The kind is written out, so that its index is used."""
    return and_(StaffNote.kind == text("'care'"), StaffNote.closed_at.is_(None))


class ApiKey(Base):
    """A shop system's key: shown once, stored hashed."""

    __tablename__ = "api_key"

    id: Mapped[Key]
    name: Mapped[Short] = mapped_column(unique=True)
    key_hash: Mapped[Text] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OneTimeCode(Base):
    """A code sent to a phone to verify it. Stored hashed, tries counted."""

    __tablename__ = "one_time_code"

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"), index=True)
    phone: Mapped[Short]
    code_hash: Mapped[Text]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
