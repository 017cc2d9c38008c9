"""What members are given: coupons, their claims and codes; access for a time. Points are in models/points.py."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime, where


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
    # When and where it may be used: from a day on, on these weekdays (1 = Monday), in these stores (keys); empty = all.
    use_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    weekdays: Mapped[list[Any]] = mapped_column(Json, default=list)
    stores: Mapped[list[Any]] = mapped_column(Json, default=list)
    # Who may still use it when they come to: a rule, asked at the counter; None = whoever has it.
    use_rule: Mapped[dict[str, Any] | None] = mapped_column(Json)
    # Whom the claiming opens for sooner: [{"rule": {…}, "hours": 24}]
    early: Mapped[list[Any]] = mapped_column(Json, default=list)
    # What one costs the brand, in minor units, where that is not its value: for ROI.
    cost: Mapped[int | None] = mapped_column(BigInt)
    # Each claim takes a code of the pool that was imported (CouponCode).
    has_codes: Mapped[bool] = mapped_column(default=False)
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
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
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
    void_reason: Mapped[Text | None]
    reissue_of_id: Mapped[int | None] = mapped_column(BigInt)  # the claim this one replaces

    coupon: Mapped[Coupon] = relationship()

    def is_live(self, now: datetime) -> bool:
        """Can be redeemed at `now`."""
        return self.redeemed_at is None and self.voided_at is None and not self.is_expired(now)

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at < now


class CouponCode(Base):
    """One code of a pool made elsewhere (a partner's, a shop system's). Taken by at most one claim."""

    __tablename__ = "coupon_code"
    __table_args__ = (
        UniqueConstraint("coupon_id", "code"),
        Index("ix_coupon_code_free", "coupon_id", "id", **where("claim_id IS NULL AND voided_at IS NULL")),
    )

    id: Mapped[Key]
    coupon_id: Mapped[int] = mapped_column(BigInt, ForeignKey("coupon.id"))
    code: Mapped[Text]
    claim_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("coupon_claim.id"), unique=True)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccessLine(Base):
    """The ledger of access: from when to when a person may enter what (a paid membership, a gate, a club)."""

    __tablename__ = "access_line"
    __table_args__ = (
        Index("ix_access_line_member", "member_id", "key"),
        Index("ix_access_line_ends", "key", "ends_at"),
    )

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    key: Mapped[Short]
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: without end
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[Short] = mapped_column(default="granted")
    cause: Mapped[Text] = mapped_column(unique=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # taken back, as when what paid for it was refunded
    # What it rests on: {"order", "sku"} that paid for it, {"note"} of staff.
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
