"""Publishing the rich menus: drawn from the brand's colour, one per language, uploaded only when something changed."""

from dataclasses import dataclass

import door
from domain.operations import menus
from domain.wording import LANGUAGES, mark, say
from line.client import LineClient, LineTrouble
from line.rich_menu import Area, Menu, draw
from models.channel import the_channel
from models.programme import the_brand

# Drawing, page of the mini-app, label. Translations should stay within 10 letters (6 in Chinese).
AREAS = (
    ("card", "/card", mark("Card")),
    ("book", "/book", mark("Book")),
    ("coupons", "/coupons", mark("Coupons")),
    ("tier", "/tier", mark("Tier & points")),
    ("news", "/news", mark("News")),
    ("contact", "/contact", mark("Contact")),
)
BAR = mark("Menu")


@dataclass(frozen=True)
class Published:
    """What publishing did with one language."""

    language: str
    is_new: bool
    linked: int


def menu_in(language: str, *, service: door.Service) -> Menu:
    """The menu in one language, for the brand and channel as they are."""
    with service.sessions.reading() as session:
        brand, channel = the_brand(session), the_channel(session)
        areas = tuple(
            Area(key, say(language, label), say("en", label), channel.liff_url(path)) for key, path, label in AREAS
        )
        return Menu(language, f"{brand.name} {language}", say(language, BAR), brand.colour, areas)


def publish_all(service: door.Service, line: LineClient) -> list[Published]:
    """Brings LINE up to date. Safe to repeat, and to be interrupted anywhere. Raises LineTrouble."""
    at_line = line.menu_ids()
    done = []
    for language in LANGUAGES:
        is_new = _publish(service, line, language, at_line)
        done.append(Published(language, is_new, _link_friends(service, line, language)))
    _remove_old(service, line, at_line)
    return done


def _publish(service: door.Service, line: LineClient, language: str, at_line: set[str]) -> bool:
    menu = menu_in(language, service=service)
    digest = menu.digest()
    with service.sessions.reading() as session:
        known = menus.published(session, language)
        is_default = the_brand(session).default_language == language
    menu_id = known.line_id if known and known.digest == digest and known.line_id in at_line else None
    is_new = menu_id is None
    if menu_id is None:
        menu_id = line.create_menu(menu.as_json(), draw(menu))
        with service.sessions.writing() as session:
            now = service.clock.now(session)
            menus.publish(session, language=language, line_id=menu_id, digest=digest, now=now)
            session.commit()
    if is_default:
        line.set_default_menu(menu_id)
    return is_new


def _link_friends(service: door.Service, line: LineClient, language: str) -> int:
    """Links the menu to the friends who speak its language, 500 a call; returns how many."""
    linked, after = 0, 0
    while True:
        with service.sessions.reading() as session:
            friends = menus.waiting_for(session, language, after=after)
            menu = menus.published(session, language)
        if not friends or menu is None or menu.line_id is None:
            return linked
        user_ids = [friend.user_id for friend in friends]
        line.link_menu_to_many(user_ids, menu.line_id)
        with service.sessions.writing() as session:
            menus.shown(session, user_ids, menu.line_id)
            session.commit()
        linked, after = linked + len(user_ids), friends[-1].id


def _remove_old(service: door.Service, line: LineClient, at_line: set[str]) -> None:
    """Menus of ours that nothing points to any more; what LINE does not delete today it deletes next time."""
    with service.sessions.reading() as session:
        current = {menu.line_id for language in LANGUAGES if (menu := menus.published(session, language))}
        brand = the_brand(session).name
    for menu_id in line.menu_ids_named(tuple(f"{brand} {language}" for language in LANGUAGES)) & at_line - current:
        try:
            line.delete_menu(menu_id)
        except LineTrouble:
            continue
