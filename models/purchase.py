"""Orders and their lines; refunds and what they were taken from."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.arithmetic import machine_time
from models.base import Base, BigInt, Key, Short, Text, UtcDateTime


class Purchase(Base):
    """One order. `net_amount` = its sale lines minus what refunds took from them (money: minor units).

    A *qualified order* has net_amount > 0. `day` is the local day it was paid.
    """

    __tablename__ = "purchase"
    __table_args__ = (
        # Everything a score reads of an order, so that the night reads the index alone.
        Index("ix_purchase_days", "member_id", "day", "net_amount"),
        Index("ix_purchase_day", "day", "member_id"),
        Index(
            "ix_purchase_changed",
            "changed_at",
            sqlite_where=text("changed_at IS NOT NULL"),
            postgresql_where=text("changed_at IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    order_ref: Mapped[Text] = mapped_column(unique=True)
    member_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    # What the source called the buyer when we did not (yet) know them; also how they are found later.
    buyer_ref: Mapped[Text | None] = mapped_column(index=True)
    paid_at: Mapped[datetime] = mapped_column(UtcDateTime)
    day: Mapped[date] = mapped_column(Date)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    channel: Mapped[Short] = mapped_column(default="")
    store_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("store.id"))
    net_amount: Mapped[int] = mapped_column(BigInt, default=0)
    source: Mapped[Short] = mapped_column(default="")
    # When anything of the row last changed, in machine time, whoever changed it: the night scores whom it names.
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=machine_time(), onupdate=machine_time())

    lines: Mapped[list["PurchaseLine"]] = relationship(back_populates="purchase")


class PurchaseLine(Base):
    """One line of an order. `amount` is positive for a sale and negative for a refund."""

    __tablename__ = "purchase_line"
    __table_args__ = (
        UniqueConstraint("purchase_id", "line_no"),
        Index("ix_purchase_line_sku", "sku", "purchase_id"),
        Index(
            "ix_purchase_line_refund_of",
            "refund_of",
            sqlite_where=text("refund_of IS NOT NULL"),
            postgresql_where=text("refund_of IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    purchase_id: Mapped[int] = mapped_column(BigInt, ForeignKey("purchase.id"))
    line_no: Mapped[int]
    sku: Mapped[Text]
    product: Mapped[Text] = mapped_column(default="")
    category: Mapped[Text] = mapped_column(default="")
    quantity: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInt)
    kind: Mapped[Short]  # sale | refund
    refund_of: Mapped[Text | None]
    # When this line was paid (or paid back), where the source says so line by line; None = as its order.
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Of a refund line: how much of it found lines to be taken from (positive minor units).
    allocated: Mapped[int] = mapped_column(BigInt, default=0)

    purchase: Mapped[Purchase] = relationship(back_populates="lines")


class RefundAllocation(Base):
    """How much of a refund line was taken from which sale line (positive minor units)."""

    __tablename__ = "refund_allocation"

    refund_line_id: Mapped[int] = mapped_column(BigInt, ForeignKey("purchase_line.id"), primary_key=True)
    sale_line_id: Mapped[int] = mapped_column(BigInt, ForeignKey("purchase_line.id"), primary_key=True, index=True)
    amount: Mapped[int] = mapped_column(BigInt)
