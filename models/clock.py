"""Business time: machine time, plus an offset row that exists only in practice mode."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, BigInt, Key


def parse_clock(text: str) -> time:
    """A wall-clock time from `21:00`."""
    hours, _, minutes = text.partition(":")
    return time(int(hours), int(minutes or 0))


def this_machines_now() -> datetime:
    """For where no session is at hand and nobody shares the clock."""
    return datetime.now(UTC)


def machine_now(session: Session) -> datetime:
    """The clock that leases and rates follow: the database's where hosts share one, else this machine's."""
    if session.get_bind().dialect.name != "postgresql":
        return datetime.now(UTC)
    moment: datetime = session.scalar(select(func.clock_timestamp()))  # type: ignore[assignment]  # never NULL
    return moment.astimezone(UTC)


def machine_moment(session: Session) -> Any:
    """The same clock for use inside a statement, which then need not ask for it first."""
    return func.clock_timestamp() if session.get_bind().dialect.name == "postgresql" else datetime.now(UTC)


def is_free(until: Any, machine: Any, *, longest: timedelta) -> ColumnElement[bool]:
    """Whether a lease or a pause is over. `longest`: none reaches so far; one that does is from before the clock
    was put back."""
    return or_(until.is_(None), until <= machine, until > machine + longest)


class PracticeClock(Base):
    """How far the practice town has been moved forward: one row, never in production.

    `target_seconds` is where a jump is heading; the clock process walks `offset_seconds` there
    day by day, running what falls due on the way, and says in `working` what it is doing.
    """

    __tablename__ = "practice_clock"

    id: Mapped[Key]
    offset_seconds: Mapped[int] = mapped_column(BigInt, default=0)
    target_seconds: Mapped[int] = mapped_column(BigInt, default=0)
    started_from: Mapped[int] = mapped_column(BigInt, default=0)
    working: Mapped[str | None]

    @property
    def progress(self) -> float:
        """How much of the present jump is done, 0 to 1."""
        whole = self.target_seconds - self.started_from
        return 1.0 if whole <= 0 else (self.offset_seconds - self.started_from) / whole


class Clock:
    """Tells the business's `now`. The composition root makes one and hands it to the doors."""

    def __init__(self, *, practice: bool = False) -> None:
        self.practice = practice

    def now(self, session: Session) -> datetime:
        return datetime.now(UTC) + self._offset(session)

    def shared_now(self, session: Session) -> datetime:
        """`now` as all hosts agree on it: what the timetable goes by, though one host's clock be wrong."""
        return machine_now(session) + self._offset(session)

    def _offset(self, session: Session) -> timedelta:
        row = session.get(PracticeClock, 1) if self.practice else None
        return timedelta(seconds=row.offset_seconds if row else 0)
