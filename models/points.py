"""Points: a ledger of lines, and the lots they earn and spend (definitions §7, I11)."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime


class PointLine(Base):
    """The points ledger: a line for each earning, spending, expiry and taking back. The balance is their sum.

    `cause` makes a line happen once. Lines are never changed; who merged carries them along (`via_id`).
    """

    __tablename__ = "point_line"
    __table_args__ = (Index("ix_point_line_member", "member_id", "at"), Index("ix_point_line_purchase", "purchase_id"))

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    points: Mapped[int]
    # earned | granted | spent | returned (a spending undone) | taken_back (a refund) | expired | adjusted
    reason: Mapped[Short]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    usable_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of what is earned or granted; None = never
    purchase_id: Mapped[int | None] = mapped_column(BigInt)
    staff_id: Mapped[int | None] = mapped_column(BigInt)
    cause: Mapped[Text] = mapped_column(unique=True)
    # Why so many: {"net": …, "per": 100, "times": 2, "rule": "member_day"}; an adjustment's words.
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class PointLot(Base):
    """What is left of one earning line, or (below 0) of a debt that the next earnings fill first.

    Derived from the lines by replay; balance = sum of `remaining` = sum of lines, proved every night.
    """

    __tablename__ = "point_lot"
    __table_args__ = (
        Index("ix_point_lot_member", "member_id", "expires_at"),
        Index("ix_point_lot_expires", "expires_at"),
    )

    line_id: Mapped[int] = mapped_column(BigInt, ForeignKey("point_line.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    points: Mapped[int]
    remaining: Mapped[int]
    usable_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
