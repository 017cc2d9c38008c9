"""Waitlist offer: a seat is held for this person for a quarter of an hour; one button takes it."""

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.messages._parts import Rendered, bubble, flex, language_for, postback_button
from domain.messages._visit import place, when
from domain.wording import say
from models.member import Member
from models.programme import the_brand
from models.store import WaitlistEntry


def render(session: Session, member: Member, entry: WaitlistEntry) -> Rendered:
    brand = the_brand(session)
    language = language_for(brand, member)
    at = when(session, member, entry.slot.starts_at)
    until = (entry.offered_until or entry.slot.starts_at).astimezone(calendar_of(session).zone).strftime("%H:%M")
    title = say(language, "A seat is free")
    held = say(language, "Held for you until %(time)s", time=until)
    button = postback_button(say(language, "Take the seat"), f"act=waitlist&entry={entry.id}", colour=brand.colour)
    shown = bubble(title, [at, *place(entry.slot.store), held], buttons=[button])
    return Rendered("waitlist_offered", [flex(f"{title}: {at}. {held}", shown)])
