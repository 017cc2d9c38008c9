"""Answers that several screens give: a store, a visit's time as people say it, a place in line."""

from datetime import datetime

from pydantic import Field

import door
from domain.calendar import Calendar
from domain.operations import booking as bookings
from domain.wording import day_words, moment_words
from liff.screens import Shape
from models.store import Booking, Store, WaitlistEntry


class StoreShape(Shape):
    key: str
    name: str
    address: str
    phone: str


class VisitTime(Shape):
    """When a visit is, in the store's own time."""

    starts_at: str
    date: str
    day: str
    time: str
    until: str
    words: str = Field(description="Day and time as people say it")


class BookingShape(Shape):
    id: str
    slot_id: int
    state: str
    when: VisitTime
    store: StoreShape
    may_change: bool
    changeable_until: str


class Waiting(Shape):
    id: int
    slot_id: int
    state: str
    when: VisitTime
    store: StoreShape
    place: int
    held_until: str | None


def store_shape(store: Store) -> StoreShape:
    return StoreShape(key=store.key, name=store.name, address=store.address, phone=store.phone)


def time_shape(calendar: Calendar, starts_at: datetime, ends_at: datetime) -> VisitTime:
    local, end = starts_at.astimezone(calendar.zone), ends_at.astimezone(calendar.zone)
    return VisitTime(
        starts_at=local.isoformat(), date=local.date().isoformat(), day=day_words(door.language(), local.date()),
        time=local.strftime("%H:%M"), until=end.strftime("%H:%M"),
        words=moment_words(door.language(), starts_at, calendar.zone),
    )  # fmt: skip


def booking_shape(calendar: Calendar, booking: Booking) -> BookingShape:
    return BookingShape(
        id=booking.ref, slot_id=booking.slot_id, state=booking.state,
        when=time_shape(calendar, booking.starts_at, booking.ends_at), store=store_shape(booking.store),
        may_change=bookings.may_change(booking, now=door.now()),
        changeable_until=bookings.changeable_until(booking).astimezone(calendar.zone).isoformat(),
    )  # fmt: skip


def waiting_shape(calendar: Calendar, entry: WaitlistEntry, place: int) -> Waiting:
    held_until = entry.offered_until if entry.state == "offered" else None
    return Waiting(
        id=entry.id, slot_id=entry.slot_id, state=entry.state,
        when=time_shape(calendar, entry.slot.starts_at, entry.slot.ends_at), store=store_shape(entry.slot.store),
        place=place, held_until=held_until.astimezone(calendar.zone).strftime("%H:%M") if held_until else None,
    )  # fmt: skip
