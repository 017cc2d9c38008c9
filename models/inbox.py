"""What LINE told us: raw bodies as they came, and the events found in them.

Both tables take a row per webhook: only what is open is indexed, and they have no foreign keys, whose checks
would lock the same parent row at every arrival.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, UtcDateTime


def _of(name: str, column: str, rows: str) -> Index:
    """An index of some rows only."""
    return Index(name, column, postgresql_where=text(rows), sqlite_where=text(rows))


class InboundBody(Base):
    """One webhook request, stored before it was answered. State: new, done, parked.

    `received_at` is machine time, the database's where hosts share one; raw bodies are deleted 30 days after
    their effects. While a reader has it, `not_before` is the end of the reader's lease.
    """

    __tablename__ = "inbound_body"
    __table_args__ = (
        _of("ix_inbound_body_new", "id", "state = 'new'"),
        _of("ix_inbound_body_parked", "id", "state = 'parked'"),
    )

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(BigInt)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[Short] = mapped_column(default="new")
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None]


class WebhookEvent(Base):
    """One event of a body, by LINE's id. The row is inserted in the transaction of its effects."""

    __tablename__ = "webhook_event"
    __table_args__ = (
        _of("ix_webhook_event_retry", "not_before", "state = 'retry'"),
        _of("ix_webhook_event_parked", "id", "state = 'parked'"),
        _of("ix_webhook_event_message", "message_id", "message_id IS NOT NULL"),
        Index("ix_webhook_event_body", "body_id", postgresql_using="brin"),
    )

    id: Mapped[Key]
    event_id: Mapped[Short] = mapped_column(unique=True)
    body_id: Mapped[int | None] = mapped_column(BigInt)
    type: Mapped[Short]
    occurred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[Short] = mapped_column(default="done")  # done | ignored | parked | retry
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of a retry; machine time
    # The chat message it is about (sent or taken back), so that a copy can be found again.
    message_id: Mapped[Short | None]
    payload: Mapped[dict[str, Any] | None] = mapped_column(Json)  # kept for what is parked or retried
