"""Opted out: news stops from now on; what it does not stop, and how to have it back."""

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered, language_for
from domain.wording import say
from models.member import Member
from models.programme import the_brand


def render(session: Session, member: Member) -> Rendered:
    language = language_for(the_brand(session), member)
    words = say(
        language,
        "You will get no more news and offers from us. Messages about your own bookings still come. "
        "Write “start” to hear from us again.",
    )
    return Rendered("opted_out", [{"type": "text", "text": words}])
