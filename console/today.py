"""Today: who has booked in my store, who came, who did not, who waits for a seat."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

import door
from console import counter, roles
from console.links import back
from console.people import name_of
from domain.calendar import Calendar, calendar_of
from domain.errors import NotFound
from domain.operations import booking as booking_a_visit
from domain.operations import checkin, visiting
from domain.operations.auditing import audit
from domain.reports import care
from domain.wording import mark
from models.event import Event
from models.member import Friend, Member
from models.store import Booking, Slot, Store, WaitlistEntry

blueprint = Blueprint("today", __name__, url_prefix="/today")

SHOWN = ("confirmed", "arrived", "no_show")
WAITING_SHOWN = 5


@dataclass
class SlotOfDay:
    """One time of the day: its seats, who has them, who waits."""

    slot: Slot
    visits: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)


@blueprint.get("/")
@roles.needs("store")
def page() -> str:
    session, calendar, store = door.session(), calendar_of(door.session()), counter.my_store()
    today = calendar.day_of(door.now())
    day = _asked_day(today)
    slots = slots_of_day(session, store, day, calendar, now=door.now())
    walk_ins = _walk_ins(session, store, day, now=door.now())
    visits = [visit for each in slots for visit in each.visits]
    return render_template(
        "console/today.html", store=store, stores=counter.store_choices(), shown_day=day, today=today,
        day_before=day - timedelta(days=1), day_after=day + timedelta(days=1), slots=slots, walk_ins=walk_ins,
        booked=len(visits), came=sum(visit["booking"].state == "arrived" for visit in visits) + len(walk_ins),
        waiting=_waiting(session, now=door.now()) if day == today else [],
    )  # fmt: skip


def _waiting(session: Session, *, now: datetime) -> list[care.Case]:
    """Who waits for an answer: at the counter what was given to me, at the desk the first few of everyone."""
    me = roles.me()
    if me.role == "store":
        return care.waiting(session, assignee_id=me.id, now=now)
    return care.waiting(session, limit=WAITING_SHOWN, now=now)


def _asked_day(today: date) -> date:
    try:
        return date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return today


def slots_of_day(session: Session, store: Store, day: date, calendar: Calendar, *, now: datetime) -> list[SlotOfDay]:
    """Every slot of the store's day with its bookings and its waitlist, in three queries."""
    of_day = (Slot.store_id == store.id, Slot.starts_at >= calendar.start(day), Slot.starts_at < calendar.end(day))
    slots = {slot.id: SlotOfDay(slot) for slot in session.scalars(select(Slot).where(*of_day).order_by(Slot.starts_at))}
    bookings = _with_names(select(Booking, Member, Friend), Booking.member_id).where(
        Booking.slot_id.in_(slots), Booking.state.in_(SHOWN)
    )
    for booking, member, friend in session.execute(bookings.order_by(Booking.created_at)):
        slots[booking.slot_id].visits.append(_visit(booking, member, friend, now=now))
    waiting = _with_names(select(WaitlistEntry, Member, Friend), WaitlistEntry.member_id).where(
        WaitlistEntry.slot_id.in_(slots), WaitlistEntry.state.in_(("waiting", "offered"))
    )
    for entry, member, friend in session.execute(waiting.order_by(WaitlistEntry.id)):
        slots[entry.slot_id].waiting.append({"entry": entry, "name": name_of(member, friend)})
    return list(slots.values())


def _with_names(query: Any, member_id: Any) -> Any:
    return query.join(Member, Member.id == member_id).outerjoin(Friend, Friend.member_id == member_id)


def _visit(booking: Booking, member: Member, friend: Friend | None, *, now: datetime) -> dict[str, Any]:
    return {
        "booking": booking,
        "name": name_of(member, friend),
        "may_undo": booking.state != "confirmed" and now - booking.state_at <= checkin.UNDO,
        "has_begun": booking.starts_at <= now,
    }


def _walk_ins(session: Session, store: Store, day: date, *, now: datetime) -> list[dict[str, Any]]:
    """Who was checked in without a booking."""
    query = _with_names(select(Event, Member, Friend), Event.member_id).where(
        Event.kind == "visited", Event.day == day, Event.object == store.key, Event.source == "staff"
    )
    return [
        {
            "at": event.occurred_at,
            "name": name_of(member, friend),
            "ref": member.ref,
            "may_undo": now - event.recorded_at <= visiting.UNDO,
        }
        for event, member, friend in session.execute(query.order_by(Event.occurred_at))
        if event.data.get("how") == "check_in"
    ]


@blueprint.post("/bookings/<ref>/<deed>")
@roles.needs("store")
def mark_booking(ref: str, deed: str) -> Any:
    """Arrived, no-show, cancelled, or one of these taken back."""
    session, me = door.session(), roles.me()
    booking = checkin.find(session, ref, store_id=me.store_id if me.role == "store" else None)
    if deed == "arrive":
        checkin.arrive(session, booking, staff_id=me.id, now=door.now())
    elif deed == "no-show":
        checkin.no_show(session, booking, staff_id=me.id, now=door.now())
    elif deed == "undo":
        checkin.undo(session, booking, staff_id=me.id, now=door.now())
    elif deed == "cancel":
        booking_a_visit.cancel(session, booking, by="staff", now=door.now())
        audit(
            session, staff_id=me.id, action="cancelled_booking", member_id=booking.member_id,
            object=f"booking:{ref}", now=door.now(),
        )  # fmt: skip
    else:
        raise NotFound(mark("There is no such thing to do with a booking. Look at the list again."))
    session.commit()
    flash(_done(deed, session.get_one(Member, booking.member_id)), "done")
    return redirect(back(), 303)


def _done(deed: str, member: Member) -> str:
    name = member.name or door.words("No name yet")
    words = {
        "arrive": mark("%(name)s is checked in. You can undo this for ten minutes."),
        "no-show": mark("%(name)s is marked as not come. You can undo this for ten minutes."),
        "undo": mark("Taken back: %(name)s is as before."),
        "cancel": mark("The booking of %(name)s is cancelled, and they are told."),
    }[deed]
    return door.words(words, name=name)


@blueprint.post("/visits/undo")
@roles.needs("store")
def undo_visit() -> Any:
    session, me = door.session(), roles.me()
    member = session.scalar(select(Member).where(Member.ref == request.form.get("ref", "")))
    if member is None:
        raise NotFound(mark("There is no such person. Look at the list again."))
    visiting.undo(session, member, counter.my_store(), staff_id=me.id, now=door.now())
    session.commit()
    flash(_done("undo", member), "done")
    return redirect(url_for("console.today.page"), 303)
