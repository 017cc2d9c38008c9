"""Automated: a message of the programme, its words per language, one button that knows who tapped."""

from typing import Any

from sqlalchemy.orm import Session

from domain.messages._parts import Rendered, bubble, flex, language_for, link_button
from domain.wording import pick, say
from models.member import Member
from models.programme import the_brand
from models.substitution import fill


def render(
    session: Session, member: Member, *, name: str, texts: dict[str, Any], url: str, values: dict[str, str]
) -> Rendered:
    """`texts` has title, body and button per language; {name}, {coupon} and {until} are filled from `values`."""
    brand = the_brand(session)
    language = language_for(brand, member)
    known = {"name": member.name or say(language, "you"), "brand": brand.name, **values}
    title = fill(pick(texts.get("title"), language), known)
    body = fill(pick(texts.get("body"), language), known)
    label = pick(texts.get("button"), language)
    buttons = [link_button(label, url, colour=brand.colour)] if label else []
    return Rendered(name, [flex(title or body, bubble(title, [body] if body else [], buttons=buttons))])
