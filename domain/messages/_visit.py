"""What every message about a visit says the same way: when, where, and the way back to the bookings."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.messages._parts import Json, Rendered, bubble, flex, language_for, link_button
from domain.wording import moment_words, say
from models.channel import the_channel
from models.member import Member
from models.programme import the_brand
from models.store import Booking, Store


def when(session: Session, member: Member, moment: datetime) -> str:
    """The moment as people say it: Thu 3 Dec 14:00."""
    language = language_for(the_brand(session), member)
    return moment_words(language, moment, calendar_of(session).zone)


def place(store: Store) -> list[str]:
    return [store.name, *([store.address] if store.address else [])]


def bookings_button(session: Session, member: Member, label: str, path: str = "/book") -> Json:
    brand = the_brand(session)
    words = say(language_for(brand, member), label)
    return link_button(words, the_channel(session).liff_url(path), colour=brand.colour)


def note(
    session: Session, member: Member, booking: Booking, *, name: str, title: str, lines: list[str], button: Json
) -> Rendered:
    """One bubble: a title, the time in large, where, and one button."""
    at = when(session, member, booking.starts_at)
    language = language_for(the_brand(session), member)
    heading = say(language, title)
    return Rendered(name, [flex(f"{heading}: {at}", bubble(heading, [at, *lines], buttons=[button]))])
