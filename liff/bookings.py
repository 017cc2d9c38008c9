"""Book: the fortnight of a store, my bookings, and booking, changing and cancelling them."""

from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import joinedload

import door
from domain.calendar import Calendar, calendar_of, days_between
from domain.errors import NotFound
from domain.operations import booking, waiting
from domain.wording import day_words, mark
from liff import session
from liff.screens import Shape, api_blueprint
from liff.shapes import BookingShape, StoreShape, Waiting, booking_shape, store_shape, waiting_shape
from liff.starts import note_starts
from models.member import Member
from models.store import Booking, Slot, Store, WaitlistEntry, open_stores, slots_between

bookings = api_blueprint("bookings", __name__)

FORTNIGHT = 14
PAST_SHOWN = 5
VISIT = "booking:visit"


class SlotsQuery(Shape):
    store: str | None = Field(
        None, max_length=64, pattern=r"^[\w-]+$", description="Store key; your home store when left out"
    )
    date: Date | None = Field(
        None,
        ge=Date(2000, 1, 1),
        le=Date(2100, 1, 1),
        description="Local day; the first with a free seat when left out",
    )


class BookingDay(Shape):
    date: str
    day: str
    state: Literal["open", "full", "closed"]
    seats_left: int


class SlotShape(Shape):
    id: int
    time: str
    until: str
    starts_at: str
    seats_left: int
    state: Literal["open", "full", "booked", "waiting", "offered"]


class Slots(Shape):
    stores: list[StoreShape]
    store: str | None
    store_is_theirs: bool = Field(description="Chosen because it is their store, not only the first of the list")
    days: list[BookingDay]
    date: str | None
    slots: list[SlotShape]


class MyBookings(Shape):
    bookings: list[BookingShape]
    past: list[BookingShape]
    waitlist: list[Waiting]


class Wanted(Shape):
    slot_id: int = Field(ge=1, le=2**31 - 1, strict=True)


@bookings.get("/slots")
@bookings.input(SlotsQuery, location="query")
@bookings.output(Slots)
def slots(query_data: SlotsQuery) -> Slots:
    """The next fourteen days of a store, and the times of one day with the seats left."""
    member = session.member()
    note_starts(member, type="booking", objects=[VISIT])
    stores = open_stores(door.session())
    theirs = _their_store(stores, member)
    store = _store(stores, query_data.store) or theirs or next(iter(stores), None)
    if store is None:
        return Slots(stores=[], store=None, store_is_theirs=False, days=[], date=None, slots=[])
    calendar = calendar_of(door.session())
    today = calendar.day_of(door.now())
    shown = _upcoming(store, calendar, today, query_data.date)
    days = _days(shown, calendar, today)
    chosen = query_data.date or next((Date.fromisoformat(day.date) for day in days if day.state == "open"), today)
    return Slots(
        stores=[store_shape(each) for each in stores], store=store.key, store_is_theirs=store is theirs,
        days=days, date=chosen.isoformat(),
        slots=_shapes([slot for slot in shown if calendar.day_of(slot.starts_at) == chosen], member, calendar),
    )  # fmt: skip


@bookings.get("/bookings")
@bookings.output(MyBookings)
def mine() -> MyBookings:
    """Your bookings to come, a few past ones, and where you wait."""
    member, calendar, now = session.member(), calendar_of(door.session()), door.now()
    own = select(Booking).where(Booking.member_id == member.id).options(joinedload(Booking.store))
    coming = own.where(Booking.state.in_(("confirmed", "arrived")), Booking.ends_at > now).order_by(Booking.starts_at)
    gone = own.where(Booking.ends_at <= now, Booking.state != "cancelled").order_by(Booking.starts_at.desc())
    return MyBookings(
        bookings=[booking_shape(calendar, each) for each in door.session().scalars(coming)],
        past=[booking_shape(calendar, each) for each in door.session().scalars(gone.limit(PAST_SHOWN))],
        waitlist=my_waitlist(member, calendar),
    )


@bookings.post("/bookings")
@bookings.input(Wanted)
@bookings.output(BookingShape, status_code=201)
def book(json_data: Wanted) -> BookingShape:
    """Take a seat. Asking again answers the same booking."""
    made = booking.book(
        door.session(), session.member(), slot_id=json_data.slot_id, source="liff", trace=session.trace(),
        now=door.now(),
    )  # fmt: skip
    door.session().commit()
    return booking_shape(calendar_of(door.session()), made)


@bookings.patch("/bookings/<ref>")
@bookings.input(Wanted)
@bookings.output(BookingShape)
def change(ref: str, json_data: Wanted) -> BookingShape:
    """Move a booking to another time: both happen or neither."""
    found = booking.find(door.session(), session.member(), ref)
    booking.change(door.session(), found, slot_id=json_data.slot_id, now=door.now())
    door.session().commit()
    return booking_shape(calendar_of(door.session()), found)


@bookings.delete("/bookings/<ref>")
@bookings.output({}, status_code=204)
def cancel(ref: str) -> str:
    """Give the seat back. Twice is once."""
    booking.cancel(door.session(), booking.find(door.session(), session.member(), ref), by="member", now=door.now())
    door.session().commit()
    return ""


def _store(stores: Sequence[Store], key: str | None) -> Store | None:
    """The store asked for; None when none was."""
    found = next((store for store in stores if store.key == key), None)
    if key is not None and found is None:
        raise NotFound(mark("This store takes no bookings. Pick one from the list."), code="store_not_found")
    return found


def _their_store(stores: Sequence[Store], member: Member) -> Store | None:
    """Where they were last booked, else their home store."""
    last = select(Booking.store_id).where(Booking.member_id == member.id).order_by(Booking.id.desc()).limit(1)
    usual = (door.session().scalar(last), member.home_store_id)
    by_id = {store.id: store for store in stores}
    return next((by_id[store_id] for store_id in usual if store_id in by_id), None)


def _upcoming(store: Store, calendar: Calendar, today: Date, asked: Date | None) -> list[Slot]:
    """What can still be booked in the fortnight, and on the day asked for."""
    end = calendar.end(today + timedelta(days=FORTNIGHT - 1))
    shown = list(slots_between(door.session(), store.id, door.now(), end))
    if asked is not None and calendar.start(asked) >= end:
        shown += slots_between(door.session(), store.id, calendar.start(asked), calendar.end(asked))
    return shown


def _days(shown: Sequence[Slot], calendar: Calendar, today: Date) -> list[BookingDay]:
    seats: dict[Date, int] = {}
    for slot in shown:
        day = calendar.day_of(slot.starts_at)
        seats[day] = seats.get(day, 0) + slot.seats_left
    return [
        BookingDay(
            date=day.isoformat(), day=day_words(door.language(), day), seats_left=seats.get(day, 0),
            state="closed" if day not in seats else "open" if seats[day] else "full",
        )
        for day in days_between(today, today + timedelta(days=FORTNIGHT - 1))
    ]  # fmt: skip


def _shapes(shown: Sequence[Slot], member: Member, calendar: Calendar) -> list[SlotShape]:
    ids = [slot.id for slot in shown]
    mine = select(Booking.slot_id).where(
        Booking.member_id == member.id, Booking.slot_id.in_(ids), Booking.state.in_(("confirmed", "arrived"))
    )
    lines = select(WaitlistEntry.slot_id, WaitlistEntry.state).where(
        WaitlistEntry.member_id == member.id, WaitlistEntry.slot_id.in_(ids), WaitlistEntry.state.in_(waiting.OPEN)
    )
    states = {row.slot_id: row.state for row in door.session().execute(lines)}
    states |= dict.fromkeys(door.session().scalars(mine), "booked")
    return [_slot_shape(slot, states.get(slot.id), calendar) for slot in shown]


def _slot_shape(slot: Slot, state: str | None, calendar: Calendar) -> SlotShape:
    local, end = slot.starts_at.astimezone(calendar.zone), slot.ends_at.astimezone(calendar.zone)
    return SlotShape(
        id=slot.id, time=_clock(local), until=_clock(end), starts_at=local.isoformat(), seats_left=slot.seats_left,
        state=state or ("open" if slot.seats_left > 0 else "full"),
    )  # fmt: skip


def _clock(local: datetime) -> str:
    return local.strftime("%H:%M")


def my_waitlist(member: Member, calendar: Calendar) -> list[Waiting]:
    own = (
        select(WaitlistEntry)
        .join(Slot)
        .where(WaitlistEntry.member_id == member.id, WaitlistEntry.state.in_(waiting.OPEN), Slot.starts_at > door.now())
    )
    entries = door.session().scalars(own.order_by(Slot.starts_at)).all()
    places = waiting.places(door.session(), entries) if entries else {}
    return [waiting_shape(calendar, entry, places[entry.id]) for entry in entries]
