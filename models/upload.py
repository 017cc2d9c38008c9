"""Files brought to the console: kept until the worker has loaded them, whichever host it runs on."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, select, update
from sqlalchemy.orm import Mapped, Session, deferred, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime, where

OPEN = ("waiting", "running")


class Upload(Base):
    """One file on its way in. State: waiting, running, done, failed (it cannot be read at all, `error` says why).

    The body goes when the file is loaded; the refused lines go when somebody in them may have been forgotten,
    and after 30 days. `lease_until` is machine time: a run whose worker died is taken up by another.
    """

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_open", "id", **where("state IN ('waiting', 'running')")),)

    id: Mapped[Key]
    what: Mapped[Short]  # members | purchases | events
    name: Mapped[Text]
    map: Mapped[Short | None]  # a map that comes with the product; None: our own columns, or map_text
    map_text: Mapped[str | None]  # a map of one's own
    body: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    size: Mapped[int]
    state: Mapped[Short] = mapped_column(default="checked")  # checked (looked at, not asked to load) comes first
    done: Mapped[int] = mapped_column(default=0)  # bytes read
    report: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    error: Mapped[str | None]
    rejected: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    has_rejected: Mapped[bool] = mapped_column(default=False)
    staff_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


def next_upload(session: Session, *, machine_now: datetime) -> int | None:
    """The oldest file that waits, or whose worker died."""
    free = (Upload.lease_until.is_(None)) | (Upload.lease_until < machine_now)
    return session.scalar(select(Upload.id).where(Upload.state.in_(OPEN), free).order_by(Upload.id).limit(1))


def take_upload(session: Session, upload_id: int, *, machine_now: datetime, lease_until: datetime) -> bool:
    """Takes it, unless another worker was faster."""
    free = (Upload.lease_until.is_(None)) | (Upload.lease_until < machine_now)
    taken = update(Upload).where(Upload.id == upload_id, Upload.state.in_(OPEN), free)
    taken = taken.values(state="running", lease_until=lease_until).returning(Upload.id)
    return session.execute(taken, execution_options={"synchronize_session": False}).first() is not None
