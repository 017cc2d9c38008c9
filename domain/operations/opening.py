"""Opens seats: slots made from a store's weekly hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from domain.calendar import Calendar, calendar_of, days_between, parse_clock
from models.session import insert_for
from models.store import Slot, Store


@dataclass(frozen=True)
class WeeklyHours:
    """When a store takes visits: from `opens` until `closes`, a visit every `minutes`, `capacity` seats each."""

    opens: str = "11:00"
    closes: str = "20:00"
    minutes: int = 60
    capacity: int = 4
    closed_weekdays: tuple[int, ...] = ()  # 0 is Monday

    def starts(self, day: date) -> Iterator[time]:
        if day.weekday() in self.closed_weekdays:
            return
        length = timedelta(minutes=self.minutes)
        at, closes = datetime.combine(day, parse_clock(self.opens)), datetime.combine(day, parse_clock(self.closes))
        while at + length <= closes:
            yield at.time()
            at += length


def open_slots(
    session: Session, store: Store, *, days: int = 28, hours: WeeklyHours = WeeklyHours(), now: datetime
) -> int:
    """Opens the next `days` days, today included. What is open stays as it is; returns how many slots are new."""
    calendar = calendar_of(session)
    today = calendar.day_of(now)
    slots = [
        _slot(calendar, store, day, at, hours)
        for day in days_between(today, today + timedelta(days=days - 1))
        for at in hours.starts(day)
    ]
    fresh = [slot for slot in slots if slot["starts_at"] > now]
    if not fresh:
        return 0
    statement = insert_for(session)(Slot).values(fresh).on_conflict_do_nothing(index_elements=["store_id", "starts_at"])
    return len(session.execute(statement.returning(Slot.id)).all())


def _slot(calendar: Calendar, store: Store, day: date, at: time, hours: WeeklyHours) -> dict[str, Any]:
    starts_at = calendar.at(day, at)
    ends_at = starts_at + timedelta(minutes=hours.minutes)
    seats = {"capacity": hours.capacity, "taken": 0, "held": 0}
    return {"store_id": store.id, "starts_at": starts_at, "ends_at": ends_at, **seats}
