"""When jobs are due, in the business's own time: `daily("03:10")`, `every(minutes=1)`, `monthly(day=9, at="04:00")`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.calendar import Calendar, Month, parse_clock

ALWAYS = "latest"  # the one period of jobs that run every few minutes


@dataclass(frozen=True)
class Daily:
    at: str

    def latest(self, now: datetime, calendar: Calendar) -> datetime:
        """The latest moment, up to `now`, at which the job was due."""
        today = calendar.at(calendar.day_of(now), parse_clock(self.at))
        return today if today <= now else calendar.at(calendar.day_of(now) - timedelta(days=1), parse_clock(self.at))

    def following(self, now: datetime, calendar: Calendar) -> datetime:
        """The first moment after `now` at which it is due."""
        return calendar.at(calendar.day_of(self.latest(now, calendar)) + timedelta(days=1), parse_clock(self.at))

    def period(self, due: datetime, calendar: Calendar) -> str:
        """What run is for: no two runs share a period."""
        return calendar.day_of(due).isoformat()

    def words(self) -> str:
        return f"every day at {self.at}"


@dataclass(frozen=True)
class Monthly:
    day: int
    at: str

    def latest(self, now: datetime, calendar: Calendar) -> datetime:
        month = calendar.month_of(now)
        this = self._in(month, calendar)
        return this if this <= now else self._in(month.plus(-1), calendar)

    def following(self, now: datetime, calendar: Calendar) -> datetime:
        return self._in(calendar.month_of(self.latest(now, calendar)).plus(1), calendar)

    def _in(self, month: Month, calendar: Calendar) -> datetime:
        return calendar.at(month.first + timedelta(days=self.day - 1), parse_clock(self.at))

    def period(self, due: datetime, calendar: Calendar) -> str:
        return str(calendar.month_of(due))

    def words(self) -> str:
        return f"on day {self.day} of the month at {self.at}"


@dataclass(frozen=True)
class Every:
    minutes: int

    def latest(self, now: datetime, calendar: Calendar) -> datetime:
        seconds = self.minutes * 60
        return datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)

    def following(self, now: datetime, calendar: Calendar) -> datetime:
        return self.latest(now, calendar) + timedelta(minutes=self.minutes)

    def period(self, due: datetime, calendar: Calendar) -> str:
        return ALWAYS

    def words(self) -> str:
        return f"every {self.minutes} min"


Schedule = Daily | Monthly | Every


def daily(at: str) -> Daily:
    return Daily(at)


def monthly(day: int, at: str) -> Monthly:
    return Monthly(day, at)


def every(minutes: int) -> Every:
    return Every(minutes)
