"""Words in the person's language: gettext with the language always said, and dates and money as people write them."""

from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

from domain.money import decimals_of

CATALOGUES = Path(__file__).parent / "translations"
# Our language tags, and the folder/locale of each. zh_TW alone would silently translate nothing.
LOCALES = {"zh-Hant": "zh_Hant_TW", "ja": "ja", "th": "th", "en": "en"}
LANGUAGES = tuple(LOCALES)
DEFAULT_LANGUAGE = "zh-Hant"


def language_of(tag: str | None, default: str = DEFAULT_LANGUAGE) -> str:
    """The language of ours nearest to any BCP-47 tag: `zh-TW`, `zh_Hant`, `ja-JP`, `en-GB` …"""
    folded = (tag or "").replace("_", "-").lower()
    if folded.startswith("zh"):
        return "zh-Hant"
    return next((ours for ours in LANGUAGES if folded.split("-")[0] == ours.lower()), default)


@lru_cache
def catalogue(language: str) -> NullTranslations:
    return Translations.load(CATALOGUES, [LOCALES[language_of(language)]])


def mark(message: str) -> str:
    """Marks a message for translation where it stands; it is translated later, by `say`."""
    return message


def say(language: str, message: str, **values: Any) -> str:
    """`message` in `language`, with its %(name)s fields filled."""
    words: str = catalogue(language).gettext(message)
    return words % values if values else words


def say_many(language: str, one: str, many: str, n: int, **values: Any) -> str:
    """The right plural form, with %(n)s and other fields filled."""
    words: str = catalogue(language).ngettext(one, many, n)
    return words % {"n": n, **values}


def pick(texts: dict[str, Any] | None, language: str) -> str:
    """The text of a per-language dictionary of the programme: asked language, English, or any."""
    texts = texts or {}
    return str(texts.get(language) or texts.get("en") or next(iter(texts.values()), ""))


def lines_of(lines: dict[str, list[str]] | None, language: str) -> list[str]:
    """The lines of a per-language dictionary of lists: asked language, or English."""
    return list((lines or {}).get(language) or (lines or {}).get("en") or [])


def locale_of(language: str) -> Locale:
    return Locale.parse(LOCALES[language_of(language)])


DAY_PATTERNS = {"zh-Hant": "M月d日(EEEEE)", "ja": "M月d日(EEEEE)", "th": "EEE d MMM", "en": "EEE d MMM"}


def day_words(language: str, day: date) -> str:
    """A day as people say it: 12月3日(四), Thu 3 Dec."""
    ours = language_of(language)
    return format_date(day, DAY_PATTERNS[ours], locale=locale_of(ours))


FAR_PATTERNS = {"zh-Hant": "M月d日", "ja": "M月d日", "th": "d MMM", "en": "d MMMM"}
YEAR_PATTERNS = {"zh-Hant": "y年M月d日", "ja": "y年M月d日", "th": "d MMM", "en": "d MMMM y"}
BUDDHIST_ERA = 543


def date_words(language: str, day: date, today: date) -> str:
    """A day further off, without its weekday, and with the year when that is not this one: 30 June 2027."""
    ours = language_of(language)
    if day.year == today.year:
        return str(format_date(day, FAR_PATTERNS[ours], locale=locale_of(ours)))
    words = format_date(day, YEAR_PATTERNS[ours], locale=locale_of(ours))
    return f"{words} {day.year + BUDDHIST_ERA}" if ours == "th" else str(words)


def moment_words(language: str, moment: datetime, zone: ZoneInfo) -> str:
    """A local day and time: 12月3日(四)14:00, Thu 3 Dec 14:00."""
    local = moment.astimezone(zone)
    gap = "" if language_of(language) in {"zh-Hant", "ja"} else " "
    return day_words(language, local.date()) + gap + format_time(local.time(), "HH:mm", locale=locale_of(language))


SYMBOLS = {"TWD": "NT$", "JPY": "¥", "THB": "฿", "GBP": "£", "USD": "US$", "EUR": "€"}


def money_words(language: str, amount: int, currency: str) -> str:
    """An amount of minor units with its symbol, without the decimals the currency does not use."""
    places = decimals_of(currency)
    pattern = "#,##0" + ("." + "0" * places if places else "")
    figure = format_decimal(amount / 10**places, pattern, locale=locale_of(language))
    symbol = SYMBOLS.get(currency, currency + " ")
    return f"{symbol}{' ' if symbol == 'NT$' else ''}{figure}"
