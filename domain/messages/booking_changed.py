"""Booking changed: the new time and place, and the time it replaces."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered, language_for
from domain.messages._visit import bookings_button, note, place, when
from domain.wording import mark, say
from models.member import Member
from models.programme import the_brand
from models.store import Booking


def render(session: Session, member: Member, booking: Booking, *, was: datetime) -> Rendered:
    language = language_for(the_brand(session), member)
    instead = say(language, "Instead of %(time)s", time=when(session, member, was))
    button = bookings_button(session, member, mark("See my booking"))
    return note(
        session, member, booking, name="booking_changed", title=mark("Your visit has moved"),
        lines=[*place(booking.store), instead], button=button,
    )  # fmt: skip
