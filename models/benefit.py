"""What members are given: coupons and their claims, points."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime


class Coupon(Base):
    """An offer. Terms are copied onto each claim when issued, so that editing changes nobody's terms."""

    __tablename__ = "coupon"
    __table_args__ = (CheckConstraint("stock IS NULL OR issued <= stock", name="never_oversold"),)

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    title: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # per language
    terms: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # per language
    terms_version: Mapped[int] = mapped_column(default=1)
    # amount_off | percent_off | gift
    kind: Mapped[Short] = mapped_column(default="amount_off")
    value: Mapped[int] = mapped_column(BigInt, default=0)  # minor units, or percent
    min_spend: Mapped[int] = mapped_column(BigInt, default=0)
    # Who may claim it themselves: a rule; None = everyone registered. Not self-claimable when claimable=False.
    claimable: Mapped[bool] = mapped_column(default=True)
    rule: Mapped[dict[str, Any] | None] = mapped_column(Json)
    claim_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claim_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # A claim is good until 23:59:59 local this many days later, and never past use_until.
    valid_days: Mapped[int | None]
    use_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_to: Mapped[Short | None]  # month_end: no longer than the month it is issued in
    stock: Mapped[int | None]
    issued: Mapped[int] = mapped_column(default=0)
    per_person: Mapped[int] = mapped_column(default=1)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CouponClaim(Base):
    """A coupon in a person's hands. `cause` makes a grant happen once: `claim:{member}:{n}`, `automation:…`."""

    __tablename__ = "coupon_claim"
    __table_args__ = (
        Index("ix_coupon_claim_member", "member_id", "expires_at"),
        Index("ix_coupon_claim_coupon", "coupon_id", "redeemed_at"),
    )

    id: Mapped[Key]
    ref: Mapped[Short] = mapped_column(unique=True)
    coupon_id: Mapped[int] = mapped_column(BigInt, ForeignKey("coupon.id"))
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    cause: Mapped[Text] = mapped_column(unique=True)
    terms_version: Mapped[int] = mapped_column(default=1)
    terms: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    redeemed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    redeemed_by_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
    store_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("store.id"))
    order_ref: Mapped[Text | None]
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    coupon: Mapped[Coupon] = relationship()

    def is_live(self, now: datetime) -> bool:
        """Can be redeemed at `now`."""
        return self.redeemed_at is None and self.voided_at is None and not self.is_expired(now)

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at < now


class PointLine(Base):
    """The points ledger. The balance is the sum of the lines."""

    __tablename__ = "point_line"
    __table_args__ = (Index("ix_point_line_member", "member_id", "at"),)

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    points: Mapped[int]
    reason: Mapped[Short]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    usable_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[Text] = mapped_column(unique=True)
