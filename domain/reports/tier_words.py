"""What counts towards a tier, in words: money, or days in a store."""

from domain.money import whole
from domain.wording import money_words, say_many


def counted_words(language: str, amount: int, *, measure: str, currency: str) -> str:
    """`amount` as thresholds are kept: minor units, of which a visit weighs one whole unit."""
    if measure != "visits":
        return money_words(language, amount, currency)
    return say_many(language, "%(n)s visit", "%(n)s visits", amount // whole(1, currency))
