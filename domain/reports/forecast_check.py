"""How far what was forecast came true, band by band and in all; and whether to warn (definitions §9)."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.scores import churn
from models.score import Forecast

WARN_BEYOND = 0.25


@dataclass(frozen=True)
class Line:
    """One band: how many people, how many of them were expected to buy within 90 days, how many did."""

    band: str
    count: int
    expected: float
    happened: int


@dataclass(frozen=True)
class Check:
    """A forecast whose 90 days have passed."""

    made_on: date
    lines: tuple[Line, ...]

    @property
    def expected(self) -> float:
        return sum(line.expected for line in self.lines)

    @property
    def happened(self) -> int:
        return sum(line.happened for line in self.lines)

    @property
    def miss(self) -> float | None:
        """By how much the total was off, as a share of what happened; above 0 when too many were expected."""
        return (self.expected - self.happened) / self.happened if self.happened else None

    @property
    def warns(self) -> bool:
        """More than a quarter off; expecting anybody when nobody came is too."""
        return self.expected >= 1 if self.miss is None else abs(self.miss) > WARN_BEYOND


def newest(session: Session) -> Check | None:
    """The last forecast that was checked."""
    made_on = session.scalar(select(func.max(Forecast.as_of)).where(Forecast.happened.is_not(None)))
    if made_on is None:
        return None
    rows = {row.band: row for row in session.scalars(select(Forecast).where(Forecast.as_of == made_on))}
    lines = (rows[band] for band in churn.BANDS if band in rows)
    return Check(made_on, tuple(Line(row.band, row.count, row.expected, row.happened or 0) for row in lines))


def next_on(session: Session) -> date | None:
    """The day the next one can be checked."""
    waiting = session.scalar(select(func.min(Forecast.as_of)).where(Forecast.happened.is_(None)))
    return None if waiting is None else waiting + timedelta(days=churn.DAYS)
