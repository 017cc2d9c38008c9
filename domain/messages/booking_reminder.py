"""Booking reminder: the visit tomorrow, or later today, with the way to change it while that is still possible."""

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered
from domain.messages._visit import bookings_button, note, place
from domain.wording import mark
from models.member import Member
from models.store import Booking

TITLES = {
    "day_before": mark("Your visit is tomorrow"),
    "same_day": mark("Your visit is today"),
}


def render(session: Session, member: Member, booking: Booking, *, when: str) -> Rendered:
    """`when` is day_before or same_day."""
    button = bookings_button(
        session, member, mark("Change or cancel") if when == "day_before" else mark("See my booking")
    )
    return note(
        session, member, booking, name="booking_reminder", title=TITLES[when], lines=place(booking.store), button=button
    )
