"""Missions in words: what is counted, within which days, and what a benefit is."""

from collections.abc import Mapping
from typing import Any

from babel.dates import get_day_names
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.events import KINDS
from domain.scores._mission import PURCHASE, Measure
from domain.scores._mission_steps import measure_of, target_of, window_of
from domain.wording import locale_of, mark, money_words, pick, say
from models.benefit import Coupon
from models.mission import Draw, Mission
from models.programme import Tier, the_brand


def name_of(mission: Mission, language: str) -> str:
    return pick(mission.name, language) or mission.key


def reward_words(session: Session, benefit: Mapping[str, Any], language: str) -> str:
    """What a benefit is, in a few words."""
    kind, value = next(iter(benefit.items()))
    said = value if isinstance(value, dict) else {}
    if kind == "coupon":
        return _named(session, Coupon, str(value), language, "title")
    if kind == "points":
        return say(language, "%(n)s points", n=said.get("points", value))
    if kind == "ticket":
        name = _named(session, Draw, str(said.get("draw", value)), language)
        return say(language, "%(n)s × a ticket for “%(draw)s”", n=said.get("count", 1), draw=name)
    if kind == "access":
        named = pick(the_brand(session).wording.get(f"access_{said['key']}"), language) or said["key"]
        return say(language, "%(tier)s for %(n)s days", tier=named, n=said["days"]) if "days" in said else named
    if kind == "tier_floor":
        tier = _named(session, Tier, str(said["tier"]), language)
        return say(language, "%(tier)s for %(n)s days", tier=tier, n=said.get("days", 365))
    return kind


def _named(session: Session, table: Any, key: str, language: str, column: str = "name") -> str:
    texts = session.scalar(select(getattr(table, column)).where(table.key == key))
    return pick(texts, language) or key


# Values of events that a goal may ask for; others are the shop's own words.
DATA = {
    "check_in": mark("checked in by code"),
    "booking": mark("came to a booking"),
    "purchase": mark("bought something"),
    "redemption": mark("used a coupon"),
}
DIFFERENT = mark("%(n)s different ones: %(what)s")  # of events: pages, tags, forms
COUNTED = {
    "times": mark("%(n)s × %(what)s"),
    "days": mark("%(n)s different days: %(what)s"),
    "stores": mark("%(n)s different stores: %(what)s"),
    "products": mark("%(n)s different products: %(what)s"),
    "categories": mark("%(n)s different categories: %(what)s"),
    "amount": mark("%(n)s: %(what)s"),
}


def goal_words(session: Session, mission: Mission, language: str) -> str:
    """What is counted and how much of it, as a clause."""
    measure = measure_of(mission)
    what = say(language, "bought something") if measure.of == PURCHASE else say(language, KINDS[measure.of].means)
    narrow = [*measure.categories, *measure.skus, *measure.stores, *measure.channels]
    narrow += [each for each in (measure.object, *measure.objects, measure.campaign) if each]
    narrow += [say(language, DATA.get(each, each)) for values in measure.data.values() for each in values]
    if measure.min_amount:
        narrow.append(say(language, "at least %(n)s", n=measure.min_amount))
    narrow += _when(measure, language)
    if narrow:
        what += f" ({', '.join(narrow)})"
    currency = the_brand(session).currency
    target = target_of(session, mission)
    number = money_words(language, target, currency) if measure.by == "amount" else str(mission.target)
    counted = DIFFERENT if measure.by == "products" and measure.of != PURCHASE else COUNTED[measure.by]
    return say(language, counted, n=number, what=what)


def _when(measure: Measure, language: str) -> list[str]:
    """On which weekdays, and between which hours."""
    names = get_day_names("wide", locale=locale_of(language))
    days = [names[day - 1] for day in sorted(measure.weekdays)]
    if measure.between is None:
        return days
    return [*days, "–".join(measure.between)]


def window_words(mission: Mission, language: str) -> str:
    """Within which days, as a clause; nothing for a mission without an end."""
    window, words = window_of(mission), list[str]()
    if window.from_:
        words.append(say(language, "from %(day)s", day=window.from_.isoformat()))
    if window.until:
        words.append(say(language, "until %(day)s", day=window.until.isoformat()))
    if window.per:
        words.append(say(language, PERS[window.per]))
    if window.days:
        since = mark("within %(n)s days of joining") if window.since == "registered" else FROM_FIRST
        words.append(say(language, since, n=window.days))
    return ", ".join(words)


PERS = {"week": mark("each week anew"), "month": mark("each month anew"), "year": mark("each year anew")}
FROM_FIRST = mark("within %(n)s days of the first step")
