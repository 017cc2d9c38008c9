"""What LINE told us: raw bodies as they came, and the events found in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, UtcDateTime


class InboundBody(Base):
    """One webhook request, stored before it was answered. State: new, done, parked.

    `received_at` is machine time; raw bodies are deleted 30 days after their effects.
    """

    __tablename__ = "inbound_body"
    __table_args__ = (Index("ix_inbound_body_state", "state", "id"),)

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(BigInt, ForeignKey("channel.id"))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[Short] = mapped_column(default="new")
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None]


class WebhookEvent(Base):
    """One event of a body, by LINE's id. The row is inserted in the transaction of its effects."""

    __tablename__ = "webhook_event"
    __table_args__ = (Index("ix_webhook_event_state", "state", "id"),)

    id: Mapped[Key]
    event_id: Mapped[Short] = mapped_column(unique=True)
    body_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("inbound_body.id"))
    type: Mapped[Short]
    occurred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[Short] = mapped_column(default="done")  # done | ignored | parked | retry
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of a retry; machine time
    # The chat message it is about (sent or taken back), so that a copy can be found again.
    message_id: Mapped[Short | None] = mapped_column(index=True)
    payload: Mapped[dict[str, Any] | None] = mapped_column(Json)  # kept for what is parked or retried
