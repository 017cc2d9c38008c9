"""The business's days: local midnights, months and quiet hours. Everything else is UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from models.clock import parse_clock as parse_clock
from models.programme import Brand, the_brand

# What arrives later than this after it happened moves figures, but is no news (design §2).
NEWS = timedelta(hours=48)


@dataclass(frozen=True)
class Month:
    """A calendar month."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """From `2026-03`. Raises ValueError for anything else."""
        year, _, number = text.partition("-")
        month = cls(int(year), int(number))
        if not 1 <= month.number <= 12:
            raise ValueError(f"not a month: {text!r}")
        return month

    @classmethod
    def of(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        return self.plus(1).first - timedelta(days=1)

    def plus(self, months: int) -> "Month":
        index = self.year * 12 + self.number - 1 + months
        return Month(index // 12, index % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


@dataclass(frozen=True)
class Calendar:
    """Turns moments into local days and back, for one time zone."""

    zone: ZoneInfo

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def at(self, day: date, clock: time) -> datetime:
        """The UTC moment of a local wall-clock time."""
        return datetime.combine(day, clock, self.zone).astimezone(UTC)

    def start(self, day: date) -> datetime:
        """The first moment of a local day; the day ends before the next day's start."""
        return self.at(day, time.min)

    def end(self, day: date) -> datetime:
        """The first moment after a local day."""
        return self.start(day + timedelta(days=1))

    def last_second(self, day: date) -> datetime:
        """23:59:59 local: when a coupon of that day ends."""
        return self.at(day, time(23, 59, 59))

    def month_of(self, moment: datetime) -> Month:
        return Month.of(self.day_of(moment))

    def month_bounds(self, month: Month) -> tuple[datetime, datetime]:
        """[first moment, first moment of the next month)."""
        return self.start(month.first), self.start(month.plus(1).first)


def calendar_of(session: Session) -> Calendar:
    """The calendar of the brand's time zone."""
    return Calendar(ZoneInfo(the_brand(session).business_timezone))


def before_quiet_hours(brand: Brand, calendar: Calendar, at: datetime) -> datetime:
    """`at`, or when that is in the quiet hours the last minute before they begin: service comes earlier, not later."""
    if not brand.is_quiet(at):
        return at
    local, start = at.astimezone(calendar.zone), parse_clock(brand.quiet_from)
    begun = local.date() if start <= local.time() else local.date() - timedelta(days=1)
    return calendar.at(begun, start) - timedelta(minutes=1)


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def end_of_same_month_next_year(day: date) -> date:
    """How long a tier period lasts: to the end of the same month next year (definitions §7)."""
    return Month(day.year + 1, day.month).last
