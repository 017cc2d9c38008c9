"""What pages read instead of millions of rows: days counted, and open months as they stood a while ago."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, UtcDateTime


class MetricDaily(Base):
    """How many records of a kind bear this local day: events by their kind, and `purchase` for orders."""

    __tablename__ = "metric_daily"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[Short] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInt)


class Rollup(Base):
    """How far a rollup has come: which rows it has surely seen, and when it looked; or a note for its next look."""

    __tablename__ = "rollup"

    name: Mapped[Short] = mapped_column(primary_key=True)
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
    marks: Mapped[dict[str, Any]] = mapped_column(Json)


class MonthDraft(Base):
    """A month that is not closed, as it was known at `as_of`: like a closed one, but replaced by the next."""

    __tablename__ = "month_draft"

    id: Mapped[Key]
    month: Mapped[Short] = mapped_column(unique=True)  # YYYY-MM
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
    # Somebody asked for a newer one.
    wanted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # How long the counting took: what takes long is done less often.
    seconds: Mapped[float] = mapped_column(default=0.0)
    figures: Mapped[dict[str, Any]] = mapped_column(Json)


class DraftPeople(Base):
    """The people behind one figure of a draft, as `MonthPeople` keeps those of a closed month."""

    __tablename__ = "draft_people"
    __table_args__ = (UniqueConstraint("draft_id", "metric", "part", "side"),)

    id: Mapped[Key]
    draft_id: Mapped[int] = mapped_column(BigInt, ForeignKey("month_draft.id", ondelete="CASCADE"))
    metric: Mapped[Short]
    part: Mapped[str] = mapped_column(default="")
    side: Mapped[Short]  # of | who
    count: Mapped[int] = mapped_column(BigInt)
    ids: Mapped[bytes] = mapped_column(LargeBinary)
