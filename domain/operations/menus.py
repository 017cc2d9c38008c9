"""Which rich menu was published in which language, and who sees which. LINE itself is spoken to by the doors."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from domain.wording import language_of
from models.channel import the_channel
from models.member import Friend, Member
from models.programme import RichMenu, the_brand

LINKED_AT_ONCE = 500  # LINE's limit for one call


def published(session: Session, language: str) -> RichMenu | None:
    """The menu of a language as it stands at LINE; None before the first publishing."""
    return session.scalar(select(RichMenu).where(RichMenu.key == _key(language), RichMenu.line_id.is_not(None)))


def publish(session: Session, *, language: str, line_id: str, digest: str, now: datetime) -> RichMenu:
    """Notes what was published; an image at LINE is write-once, so every change is a new menu."""
    menu = session.scalar(select(RichMenu).where(RichMenu.key == _key(language)))
    if menu is None:
        menu = RichMenu(channel_id=the_channel(session).id, key=_key(language), language=language)
        session.add(menu)
    menu.line_id, menu.digest, menu.published_at = line_id, digest, now
    session.flush()
    return menu


def menu_for(session: Session, user_id: str) -> str | None:
    """The menu (LINE's id) to link to this person; None when they see the right one already.

    Everyone sees the default language's menu without a link of their own.
    """
    friend = session.scalar(select(Friend).where(Friend.user_id == user_id))
    if friend is None or not friend.is_following:
        return None
    default = the_brand(session).default_language
    language = language_of(friend.member.language, default)
    menu = published(session, language)
    if menu is None or friend.menu_key == menu.line_id or (language == default and friend.menu_key is None):
        return None
    return menu.line_id


def waiting_for(session: Session, language: str, *, after: int = 0) -> Sequence[Friend]:
    """Friends who should see this language's menu and do not yet, a callful at a time, by id."""
    menu = published(session, language)
    if menu is None:
        return []
    brand = the_brand(session)
    speaks = Member.language == language
    if language == brand.default_language:
        # Only those who once had another menu need a link to the default one.
        speaks = or_(speaks, Member.language.is_(None)) & Friend.menu_key.is_not(None)
    due = (
        select(Friend)
        .join(Member)
        .where(
            Friend.is_following.is_(True),
            Friend.id > after,
            speaks,
            or_(Friend.menu_key.is_(None), Friend.menu_key != menu.line_id),
        )
        .order_by(Friend.id)
    )
    return session.scalars(due.limit(LINKED_AT_ONCE)).all()


def shown(session: Session, user_ids: Sequence[str], line_id: str) -> None:
    """Notes that LINE took the link."""
    session.execute(update(Friend).where(Friend.user_id.in_(user_ids)).values(menu_key=line_id))


def _key(language: str) -> str:
    return f"default-{language}"
