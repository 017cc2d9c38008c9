"""People are spoken to in their own language, and dates and money are written as they write them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.wording import LANGUAGES, day_words, language_of, moment_words, money_words, say
from tests.support.translations import faults


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-Hant", "開啟我的會員卡"), ("ja", "会員証を開く"), ("th", "เปิดบัตรสมาชิกของฉัน"), ("en", "Open my card")],
)
def test_the_compiled_catalogues_speak(language: str, words: str) -> None:
    assert say(language, "Open my card") == words


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_nothing_people_read_is_left_untranslated(language: str) -> None:
    assert list(faults(language)) == []


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-TW", "zh-Hant"), ("zh_Hant_HK", "zh-Hant"), ("ja-JP", "ja"), ("en-GB", "en"), ("fr", "zh-Hant"),
        (None, "zh-Hant"),
    ],
)  # fmt: skip
def test_any_tag_finds_the_nearest_language(tag: str | None, language: str) -> None:
    assert language_of(tag) == language


def test_days_and_moments_as_people_say_them() -> None:
    moment = datetime(2026, 12, 3, 6, 0, tzinfo=UTC)
    assert moment_words("zh-Hant", moment, ZoneInfo("Asia/Taipei")) == "12月3日(四)14:00"
    assert day_words("en", date(2026, 12, 3)) == "Thu 3 Dec"


@pytest.mark.parametrize(
    ("amount", "currency", "words"), [(2480, "TWD", "NT$ 2,480"), (2480, "JPY", "¥2,480"), (248050, "THB", "฿2,480.50")]
)
def test_money_has_the_decimals_its_currency_uses(amount: int, currency: str, words: str) -> None:
    assert money_words("en", amount, currency) == words
