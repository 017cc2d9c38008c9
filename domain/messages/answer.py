"""Answer: a few words in reply to what a person wrote or pressed, and at most one button to the page that does it."""

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered, bubble, flex, language_for, link_button
from domain.wording import say
from models.channel import the_channel
from models.member import Member
from models.programme import the_brand


def render(
    session: Session, member: Member, words: str, *, path: str | None = None, label: str | None = None
) -> Rendered:
    """`words` are in the person's language already; `path` is a mini-app page such as /book."""
    brand = the_brand(session)
    if path is None:
        return Rendered("answer", [{"type": "text", "text": words[:5000]}])
    label = label or say(language_for(brand, member), "Open")
    button = link_button(label, the_channel(session).liff_url(path), colour=brand.colour)
    return Rendered("answer", [flex(words, bubble("", [words], buttons=[button]))])
