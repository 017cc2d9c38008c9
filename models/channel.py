"""The LINE Official Account this deployment speaks through, and the rate at which it may."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, BigInt, Key, Short, Text, UtcDateTime


class Channel(Base):
    """One LINE account. Written from settings at start; messages and doors read it from here."""

    __tablename__ = "channel"

    id: Mapped[Key]
    login_channel_id: Mapped[Short] = mapped_column(default="")
    liff_id: Mapped[Short] = mapped_column(default="")
    public_url: Mapped[Text] = mapped_column(default="")
    bot_user_id: Mapped[Short | None]
    basic_id: Mapped[Short | None]
    # What LINE last told us of the month's allowance; None = not asked yet or unlimited.
    quota_limit: Mapped[int | None]
    quota_used: Mapped[int | None]
    quota_checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stopped_reason: Mapped[Text | None]

    def liff_url(self, path: str = "") -> str:
        """A link that opens the mini-app inside LINE at `path` (which starts with a slash)."""
        return f"https://liff.line.me/{self.liff_id}{path}"


class RateBucket(Base):
    """One bucket per channel and endpoint, shared by every sender on every host."""

    __tablename__ = "rate_bucket"
    __table_args__ = (UniqueConstraint("channel_id", "endpoint"),)

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(BigInt, ForeignKey("channel.id"))
    endpoint: Mapped[Short]
    # The earliest moment at which the next request may leave, in microseconds since the epoch.
    next_at_us: Mapped[int] = mapped_column(BigInt, default=0)
    per_second: Mapped[float]
    # LINE said too fast at `slow_at_us`: from then on this share of `per_second`, growing back by itself.
    slow_share: Mapped[float | None]
    slow_at_us: Mapped[int | None] = mapped_column(BigInt)


def the_channel(session: Session) -> Channel:
    """The one channel of today's deployments, read once in a session. Raises LookupError before set-up wrote it."""
    known: Channel | None = session.info.get("channel")
    if known is not None and known in session:
        return known
    channel = session.scalar(select(Channel).order_by(Channel.id).limit(1))
    if channel is None:
        raise LookupError("no channel yet: run `flask migrate` with the LINE settings present")
    session.info["channel"] = channel
    return channel
