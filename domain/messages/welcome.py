"""Welcome: what a new friend reads first, with one button that opens the card."""

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered, bubble, flex, language_for, link_button
from domain.wording import say
from models.channel import the_channel
from models.member import Member
from models.programme import the_brand


def render(session: Session, member: Member) -> Rendered:
    brand, channel = the_brand(session), the_channel(session)
    language = language_for(brand, member)
    title = say(language, "Welcome to %(brand)s", brand=brand.name)
    line = say(language, "Your member card lives here. It takes less than a minute to make.")
    button = link_button(say(language, "Open my card"), channel.liff_url("/card"), colour=brand.colour)
    return Rendered("welcome", [flex(title, bubble(title, [line], buttons=[button]))])
