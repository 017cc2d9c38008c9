"""Welcome: what a new friend reads first, with the words of where they came from, and one button to the card."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.messages._parts import Rendered, bubble, flex, language_for, link_button
from domain.wording import mark, pick, say
from models.channel import the_channel
from models.member import Member
from models.programme import EntrySource, the_brand


def render(session: Session, member: Member, *, is_back: bool = False) -> Rendered:
    brand, channel = the_brand(session), the_channel(session)
    language = language_for(brand, member)
    greeting = mark("Good to see you again at %(brand)s") if is_back else mark("Welcome to %(brand)s")
    has_card = mark("Your member card is where you left it.")
    no_card = mark("Your member card lives here. It takes less than a minute to make.")
    title = say(language, greeting, brand=brand.name)
    line = say(language, has_card if member.is_member else no_card)
    lines = [each for each in (_own_words(session, member, language), line) if each]
    button = link_button(say(language, "Open my card"), channel.liff_url("/card"), colour=brand.colour)
    return Rendered("welcome", [flex(title, bubble(title, lines, buttons=[button]))])


def _own_words(session: Session, member: Member, language: str) -> str:
    """What the entry source (a store's QR, an advertisement) adds."""
    if not member.entry_source:
        return ""
    source = session.scalar(select(EntrySource).where(EntrySource.key == member.entry_source))
    return pick(source.welcome, language) if source else ""
