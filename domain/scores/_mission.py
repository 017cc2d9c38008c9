"""What a mission counts, within which window, and how far that takes a person (definitions §7).

Pure: `rounds` walks one person's steps and says what was reached when, so that the card, the reward and the
console's page cannot disagree, and a refund or a late order is simply walked again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.calendar import Calendar
from domain.events import KINDS, MESSAGES

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-4]):[0-5]\d$")]  # 24:00 is the end of the day
PURCHASE = "purchase"
OF_PURCHASES = ("categories", "skus", "channels", "min_amount")
OF_EVENTS = ("object", "objects", "campaign", "data")


class Measure(BaseModel):
    """What counts as a step. Without `by`, each one does; `days` counts local days, and so on.

    `min_amount` and a target `by` amount are whole currency units. `data` narrows events by a field of theirs:
    {"how": ["check_in"]}, or by what they were about: one `object`, or any of `objects`. Of an event, `stores` and
    `products` count what it was about. `weekdays` (1 is Monday) and `between` two times of day, of which the second
    no longer counts, narrow anything to local days and hours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: str = PURCHASE
    by: Literal["times", "days", "stores", "products", "categories", "amount"] = "times"
    categories: list[str] = []
    skus: list[str] = []
    stores: list[str] = []
    channels: list[str] = []
    min_amount: int | None = Field(None, ge=1)
    object: str | None = None
    campaign: str | None = None
    objects: list[str] = []
    data: dict[str, list[str]] = {}
    weekdays: list[Annotated[int, Field(ge=1, le=7)]] = []
    between: tuple[Clock, Clock] | None = None

    def holds_at(self, at: datetime, calendar: Calendar) -> bool:
        """Whether that moment is one of its weekdays and hours."""
        local = at.astimezone(calendar.zone)
        if self.weekdays and local.isoweekday() not in self.weekdays:
            return False
        return self.between is None or self.between[0] <= f"{local:%H:%M}" < self.between[1]

    @model_validator(mode="after")
    def _fits(self) -> "Measure":
        known = sorted({PURCHASE, *KINDS} - set(MESSAGES))
        if self.of not in known:
            raise ValueError(f"nothing is called {self.of!r}; there are: {', '.join(known)}")
        strange = OF_EVENTS if self.of == PURCHASE else (*OF_PURCHASES, *(["stores"] if self.of != "visited" else []))
        said = [name for name in strange if getattr(self, name)]
        if said:
            raise ValueError(f"{said[0]} does not narrow {self.of}")
        if self.by in ("amount", "categories") and self.of != PURCHASE:
            raise ValueError(f"only purchases have {self.by}")
        if self.between is not None and self.between[0] >= self.between[1]:
            raise ValueError("between says an earlier time of day and a later one, of the same day")
        return self


class Window(BaseModel):
    """From when to when steps count together: days of the calendar, each week, month or year, or so many days.

    `days` begin with joining, or with the first step; then the next step begins them anew.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: date | None = Field(None, alias="from")
    until: date | None = None
    per: Literal["week", "month", "year"] | None = None
    days: int | None = Field(None, ge=1, le=3650)
    since: Literal["registered", "first_step"] = "first_step"

    @model_validator(mode="after")
    def _one(self) -> "Window":
        if sum((self.per is not None, self.days is not None)) > 1:
            raise ValueError("say per or days, not both")
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError("until comes before from")
        return self


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that counts: `key` is what makes it the same step when it comes again (a day, a store, an order)."""

    key: str
    at: datetime
    weight: int = 1
    what: str = ""
    is_news: bool = True


@dataclass(frozen=True, slots=True)
class Round:
    """One go at the target. `behind` names the step that reached it, and those it rests on."""

    period: str
    number: int
    progress: int
    began_at: datetime
    reached_at: datetime | None = None
    is_news: bool = True
    behind: tuple[str, ...] = ()


def rounds(
    steps: Iterable[Step], window: Window, *, target: int, most: int | None, calendar: Calendar,
    registered_at: datetime | None,
) -> list[Round]:  # fmt: skip
    """Every round of one person, by period: those reached, and the one they are in. `most` rounds a period."""
    found: list[Round] = []
    for period, own in _periods(sorted(steps, key=lambda each: (each.at, each.key)), window, calendar, registered_at):
        found += _of_period(period, own, target, most)
    return found


def period_now(window: Window, known: Iterable[Round], *, calendar: Calendar, now: datetime) -> str:
    """Which period a person is in at `now`; of `days` from the first step, one that is over makes room for the next."""
    if window.per is not None:
        return _calendar_period(window.per, calendar.day_of(now))
    if window.days is None or window.since == "registered":
        return ""
    last = max(known, key=lambda each: int(each.period or 0), default=None)
    if last is None:
        return "1"
    begun = min(each.began_at for each in known if each.period == last.period)
    is_over = now >= begun + timedelta(days=window.days)
    return str(int(last.period) + 1) if is_over else last.period


def ends(window: Window, *, calendar: Calendar, registered_at: datetime | None, now: datetime) -> date | None:
    """The last day of the period a person is in; None when it does not end, or begins with their next step."""
    found = [window.until] if window.until else []
    if window.per is not None:
        found.append(_last_day(window.per, calendar.day_of(now)))
    if window.days is not None and window.since == "registered" and registered_at is not None:
        found.append(calendar.day_of(registered_at + timedelta(days=window.days)))
    return min(found, default=None)


def _of_period(period: str, steps: list[Step], target: int, most: int | None) -> Iterator[Round]:
    total, number, began, behind, seen = 0, 1, None, list[str](), set[str]()
    news = True
    for step in steps:
        if step.key in seen:
            continue
        seen.add(step.key)
        began = began or step.at
        behind.append(step.what or step.key)
        total, news = total + step.weight, step.is_news
        while total >= target * number and (most is None or number <= most):
            yield Round(period, number, target, began or step.at, step.at, news, tuple(behind[-10:]))
            number, began, behind = number + 1, None, []
    rest = total - target * (number - 1)
    if rest > 0 and (most is None or number <= most):
        last = began or steps[-1].at  # what was over of the step that reached the round before
        yield Round(period, number, rest, last, behind=tuple(behind[-10:]))


def _periods(
    steps: list[Step], window: Window, calendar: Calendar, registered_at: datetime | None
) -> Iterator[tuple[str, list[Step]]]:
    if window.per is not None:
        per = window.per
        for name, group in groupby(steps, key=lambda each: _calendar_period(per, calendar.day_of(each.at))):
            yield name, list(group)
    elif window.days is None:
        if steps:
            yield "", steps
    elif window.since == "registered":
        if own := _since_joining(steps, window.days, registered_at):
            yield "", own
    else:
        yield from _since_first_step(steps, timedelta(days=window.days))


def _since_joining(steps: list[Step], days: int, registered_at: datetime | None) -> list[Step]:
    if registered_at is None:
        return []
    return [each for each in steps if registered_at <= each.at <= registered_at + timedelta(days=days)]


def _since_first_step(steps: list[Step], length: timedelta) -> Iterator[tuple[str, list[Step]]]:
    """Periods are numbered, so that an order learned of late moves a period's begin and not its name."""
    own, n = list[Step](), 0
    for step in steps:
        if own and step.at >= own[0].at + length:
            n += 1
            yield str(n), own
            own = []
        own.append(step)
    if own:
        yield str(n + 1), own


def _calendar_period(per: str, day: date) -> str:
    if per == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{day:%Y-%m}" if per == "month" else f"{day:%Y}"


def _last_day(per: str, day: date) -> date:
    if per == "week":
        return day + timedelta(days=7 - day.isoweekday())
    if per == "year":
        return date(day.year, 12, 31)
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
