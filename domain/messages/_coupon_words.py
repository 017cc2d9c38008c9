"""When and where a coupon may be used, in words: for the member, for staff at the counter, and for refusals."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from babel.dates import get_day_names
from babel.lists import format_list
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import Calendar
from domain.wording import day_words, locale_of, mark, say
from models.store import Store

Terms = Mapping[str, Any]


def limits(session: Session, terms: Terms, calendar: Calendar, language: str, *, now: datetime) -> list[str]:
    """What narrows the use, one line each; nothing for a coupon that is good everywhere and any day."""
    lines = []
    begins = use_from(terms)
    if begins is not None and begins > now:
        lines.append(say(language, mark("From %(day)s on"), day=day_words(language, calendar.day_of(begins))))
    if terms.get("weekdays"):
        lines.append(say(language, mark("Only on %(days)s"), days=weekday_words(language, terms["weekdays"])))
    if terms.get("stores"):
        lines.append(say(language, mark("Only at %(stores)s"), stores=store_words(session, language, terms["stores"])))
    return lines


def use_from(terms: Terms) -> datetime | None:
    """The moment it may first be used, as issued."""
    return datetime.fromisoformat(terms["use_from"]) if terms.get("use_from") else None


def weekday_words(language: str, weekdays: Iterable[int]) -> str:
    """Saturday and Sunday: 1 is Monday."""
    names = get_day_names("wide", locale=locale_of(language))
    return listed(language, [names[day - 1] for day in sorted(weekdays)])


def store_words(session: Session, language: str, keys: Iterable[str]) -> str:
    """The stores by name; one that is gone by its key."""
    wanted = list(keys)
    names = dict(session.execute(select(Store.key, Store.name).where(Store.key.in_(wanted))).all())
    return listed(language, [str(names.get(key, key)) for key in wanted])


def listed(language: str, words: list[str]) -> str:
    """Several as one: A, B, and C, as the language does it."""
    return str(format_list(words, locale=locale_of(language)))
