"""What we say to one person: finished JSON, written with the fact that caused it, sent afterwards."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime

WAITING = "state IN ('queued', 'claimed')"


class OutgoingMessage(Base):
    """One message to one person. The only writer is `operations/speaking.py`, the only reader `line/sender.py`.

    `once` makes saying it twice impossible. `retry_key` is derived from the row and kept for its life.
    A message with `reply_token` is tried as a reply first (free); only a certain refusal falls back to push.
    State: queued → claimed → sent, failed or unsure, or queued again; queued → withheld or cancelled.
    """

    __tablename__ = "outgoing_message"
    __table_args__ = (
        Index("ix_outgoing_message_due", "state", "due_at"),
        # What the sender looks for, in the order it is sent: few rows, however many were ever sent.
        Index(
            "ix_outgoing_message_waiting",
            "due_at",
            "id",
            sqlite_where=text(WAITING),
            postgresql_where=text(WAITING),
        ),
    )

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(BigInt, ForeignKey("channel.id"))
    medium: Mapped[Short] = mapped_column(default="line")
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"), index=True)
    to: Mapped[Short]  # LINE user id
    kind: Mapped[Short]  # service | marketing
    name: Mapped[Short]  # which file of domain/messages
    messages: Mapped[list[Any]] = mapped_column(Json)  # LINE message objects, 1 to 5
    once: Mapped[Text] = mapped_column(unique=True)
    recipient_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("recipient.id"))
    campaign_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("campaign.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # not worth saying after
    reply_token: Mapped[Text | None]
    reply_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[Short] = mapped_column(default="queued")
    reason: Mapped[str | None]
    retry_key: Mapped[Short]
    first_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fence: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    request_id: Mapped[Text | None]
