"""Tier up: tells a member which tier they reached and until when it is theirs."""

from datetime import date

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered, bubble, flex, language_for, link_button
from domain.wording import day_words, lines_of, pick, say
from models.channel import the_channel
from models.member import Member
from models.programme import Tier, the_brand


def render(session: Session, member: Member, *, tier: Tier, until: date | None) -> Rendered:
    brand, channel = the_brand(session), the_channel(session)
    language = language_for(brand, member)
    title = say(language, "You are now %(tier)s", tier=pick(tier.name, language))
    lines = lines_of(tier.benefits, language)
    if until:
        lines.append(say(language, "Yours until %(day)s %(year)s.", day=day_words(language, until), year=until.year))
    button = link_button(say(language, "See my card"), channel.liff_url("/card"), colour=brand.colour)
    return Rendered("tier_up", [flex(title, bubble(title, lines, buttons=[button]))])
