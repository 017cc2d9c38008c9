"""Business time: machine time, plus an offset row that exists only in practice mode."""

from datetime import UTC, datetime, time, timedelta

from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, BigInt, Key


def parse_clock(text: str) -> time:
    """A wall-clock time from `21:00`."""
    hours, _, minutes = text.partition(":")
    return time(int(hours), int(minutes or 0))


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
        machine = datetime.now(UTC)
        if not self.practice:
            return machine
        row = session.get(PracticeClock, 1)
        return machine + timedelta(seconds=row.offset_seconds if row else 0)
