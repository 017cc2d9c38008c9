"""The codes shown at the counter: signed, valid a minute, changing every half, each good for one thing only.

`R1.…` says who a member is; `C1.…` shows one of their coupons.
"""

import base64
import hashlib
import hmac
from datetime import datetime

PERIOD_SECONDS = 30
VALID_PERIODS = 2
PREFIX = "R1."
CLAIM_PREFIX = "C1."


def make_code(secret: str, member_ref: str, now: datetime) -> str:
    """What the QR and the barcode carry: short, so that a barcode of it fits a phone."""
    return _make(secret, PREFIX, member_ref, now)


def read_code(secret: str, code: str, now: datetime) -> str:
    """The member_ref in `code`. Raises ValueError when it is not ours, or older than a minute."""
    return _read(secret, PREFIX, code, now)


def make_claim_code(secret: str, claim_ref: str, now: datetime) -> str:
    """The same for one coupon in a member's hands."""
    return _make(secret, CLAIM_PREFIX, claim_ref, now)


def read_claim_code(secret: str, code: str, now: datetime) -> str:
    """The claim's ref in `code`. Raises ValueError when it is not a coupon's, or older than a minute."""
    return _read(secret, CLAIM_PREFIX, code, now)


def _make(secret: str, prefix: str, ref: str, now: datetime) -> str:
    return f"{prefix}{ref}.{_sign(secret, prefix, ref, _period(now))}"


def _read(secret: str, prefix: str, code: str, now: datetime) -> str:
    body, _, signature = code.strip().rpartition(".")
    if not body.startswith(prefix):
        raise ValueError("not a code of this kind")
    ref, period = body.removeprefix(prefix), _period(now)
    for age in range(VALID_PERIODS):
        # Bytes, because compare_digest refuses text that is not ASCII, and anything can be scanned.
        if hmac.compare_digest(signature.encode(), _sign(secret, prefix, ref, period - age).encode()):
            return ref
    raise ValueError("expired, or not a code of ours")


def seconds_left(now: datetime) -> int:
    """Until the next code is shown."""
    return PERIOD_SECONDS - int(now.timestamp()) % PERIOD_SECONDS


def _period(now: datetime) -> int:
    return int(now.timestamp()) // PERIOD_SECONDS


def _sign(secret: str, prefix: str, ref: str, period: int) -> str:
    text = f"counter code|{prefix}|{ref}|{period}".encode()
    digest = hmac.digest(secret.encode(), text, hashlib.sha256)
    return base64.b32encode(digest)[:10].decode()
