"""Booking cancelled: which visit is off, who cancelled it, and the way to another time."""

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered, language_for
from domain.messages._visit import bookings_button, note, place
from domain.wording import mark, say
from models.member import Member
from models.programme import the_brand
from models.store import Booking


def render(session: Session, member: Member, booking: Booking, *, by: str = "member") -> Rendered:
    language = language_for(the_brand(session), member)
    why = [say(language, "The store had to cancel this visit. We are sorry.")] if by == "staff" else []
    button = bookings_button(session, member, mark("Book another time"))
    return note(
        session, member, booking, name="booking_cancelled", title=mark("Your visit is cancelled"),
        lines=[*place(booking.store), *why], button=button,
    )  # fmt: skip
