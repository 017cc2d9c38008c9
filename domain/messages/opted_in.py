"""Opted in: they hear from us again, and how to end that."""

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered, language_for
from domain.wording import say
from models.member import Member
from models.programme import the_brand


def render(session: Session, member: Member) -> Rendered:
    brand = the_brand(session)
    words = say(
        language_for(brand, member),
        "You will hear from %(brand)s again. Write “stop” whenever it is too much.",
        brand=brand.name,
    )
    return Rendered("opted_in", [{"type": "text", "text": words}])
