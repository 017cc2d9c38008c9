"""Stores, the seats they offer, who has booked them and who waits."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.base import Base, BigInt, Key, Short, Text, UtcDateTime


class Store(Base):
    __tablename__ = "store"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[Text]
    address: Mapped[Text] = mapped_column(default="")
    phone: Mapped[Short] = mapped_column(default="")
    is_open: Mapped[bool] = mapped_column(default=True)
    # Bookings may be changed or cancelled until this many minutes before they start.
    change_deadline_minutes: Mapped[int] = mapped_column(default=120)


class Slot(Base):
    """Seats at one time. `taken` counts confirmed bookings, `held` seats offered to the waitlist."""

    __tablename__ = "slot"
    __table_args__ = (
        UniqueConstraint("store_id", "starts_at"),
        CheckConstraint("taken >= 0 AND held >= 0 AND taken + held <= capacity", name="never_overbooked"),
    )

    id: Mapped[Key]
    store_id: Mapped[int] = mapped_column(BigInt, ForeignKey("store.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    capacity: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)

    store: Mapped[Store] = relationship()

    @property
    def seats_left(self) -> int:
        return self.capacity - self.taken - self.held


class Booking(Base):
    """A seat taken. State: confirmed, cancelled, arrived, no_show. Keeps its own copy of its time."""

    __tablename__ = "booking"
    __table_args__ = (
        Index(
            "uq_booking_live",
            "slot_id",
            "member_id",
            unique=True,
            sqlite_where=text("state IN ('confirmed', 'arrived')"),
            postgresql_where=text("state IN ('confirmed', 'arrived')"),
        ),
        Index("ix_booking_member", "member_id", "starts_at"),
        Index("ix_booking_store_day", "store_id", "starts_at"),
    )

    id: Mapped[Key]
    ref: Mapped[Short] = mapped_column(unique=True)
    slot_id: Mapped[int] = mapped_column(BigInt, ForeignKey("slot.id"))
    store_id: Mapped[int] = mapped_column(BigInt, ForeignKey("store.id"))
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[Short] = mapped_column(default="confirmed")
    is_walk_in: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)

    slot: Mapped[Slot] = relationship()
    store: Mapped[Store] = relationship()


class WaitlistEntry(Base):
    """Waits for a seat of one slot. State: waiting, offered (until `offered_until`), taken, passed, left.

    `reason` says why it was passed on: no_answer, begun, or why the person could not be told.
    """

    __tablename__ = "waitlist_entry"
    __table_args__ = (
        Index(
            "uq_waitlist_live",
            "slot_id",
            "member_id",
            unique=True,
            sqlite_where=text("state IN ('waiting', 'offered')"),
            postgresql_where=text("state IN ('waiting', 'offered')"),
        ),
        Index("ix_waitlist_slot", "slot_id", "state", "id"),
    )

    id: Mapped[Key]
    slot_id: Mapped[int] = mapped_column(BigInt, ForeignKey("slot.id"))
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    state: Mapped[Short] = mapped_column(default="waiting")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    offered_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[Short | None]

    slot: Mapped[Slot] = relationship()


def open_stores(session: Session) -> Sequence[Store]:
    return session.scalars(select(Store).where(Store.is_open).order_by(Store.id)).all()


def slots_between(session: Session, store_id: int, first: datetime, end: datetime) -> Sequence[Slot]:
    """The store's slots that begin in [first, end), in order."""
    found = select(Slot).where(Slot.store_id == store_id, Slot.starts_at >= first, Slot.starts_at < end)
    return session.scalars(found.order_by(Slot.starts_at)).all()
