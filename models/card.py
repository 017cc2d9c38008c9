"""The number printed on a card: drawn at random, so that nobody counts up to another one; the last digit checks."""

import secrets

DIGITS = 16


def new_card_number() -> str:
    first = str(secrets.randbelow(9 * 10 ** (DIGITS - 2)) + 10 ** (DIGITS - 2))
    return first + str(-_luhn(first + "0") % 10)


def is_card_number(text: str) -> bool:
    """Whether these digits can be a card's: the right count, and no slip of a finger."""
    return len(text) == DIGITS and text.isascii() and text.isdigit() and _luhn(text) % 10 == 0


def grouped(number: str) -> str:
    """As printed, in groups of four."""
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def _luhn(digits: str) -> int:
    """The Luhn sum: every second digit from the right doubled, and its own digits added."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(each // 10 + each % 10 for each in doubled)
