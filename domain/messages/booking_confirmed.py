"""Booking confirmed: the seat is theirs, when and where, and how to change it."""

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered
from domain.messages._visit import bookings_button, note, place
from domain.wording import mark
from models.member import Member
from models.store import Booking


def render(session: Session, member: Member, booking: Booking) -> Rendered:
    button = bookings_button(session, member, mark("See my booking"))
    return note(
        session, member, booking, name="booking_confirmed", title=mark("Your visit is booked"),
        lines=place(booking.store), button=button,
    )  # fmt: skip
