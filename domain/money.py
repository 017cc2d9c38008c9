"""Money is integer minor units; how many decimals each currency is stored with (design §5)."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from babel.numbers import get_currency_precision

# Whatever ISO says, nobody in Taiwan pays cents.
OURS = {"TWD": 0, "JPY": 0, "THB": 2}
# Commas are thousands only where they part digits in threes: 12,5 is refused, not read as 125.
GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")


def decimals_of(currency: str) -> int:
    return int(OURS.get(currency, get_currency_precision(currency)))


def to_minor(text: str, currency: str) -> tuple[int, bool]:
    """Minor units of a written amount, rounded half up once, and whether rounding changed it.

    Raises ValueError for what is not a plain number.
    """
    plain = text.strip()
    try:
        amount = Decimal(plain.replace(",", "") if GROUPED.fullmatch(plain) else plain)
    except InvalidOperation:
        raise ValueError(f"not an amount: {text!r}") from None
    if not amount.is_finite():
        raise ValueError(f"not an amount: {text!r}")
    exact = amount.scaleb(decimals_of(currency))
    # Half up by size, so that a refund rounds like the sale it undoes.
    rounded = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return int(rounded), rounded != exact


def to_text(amount: int, currency: str) -> str:
    """Minor units as a plain decimal, for files."""
    return str(Decimal(amount).scaleb(-decimals_of(currency)))


def whole(amount: int, currency: str) -> int:
    """`amount` whole currency units (as thresholds are written) in minor units."""
    return int(amount * 10 ** decimals_of(currency))
