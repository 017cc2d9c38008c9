"""The optional second factor: secrets encrypted at rest, codes checked for the step they belong to."""

import base64
from datetime import datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

STEP_SECONDS = 30


def new_secret() -> str:
    return pyotp.random_base32()


def sealed(secret: str, *, key: str) -> str:
    """The secret as it may be stored, under a key derived from SECRET_KEY."""
    return _box(key).encrypt(secret.encode()).decode()


def opened(stored: str, *, key: str) -> str | None:
    """None when it was sealed under another SECRET_KEY: then the owner gives a new link."""
    try:
        return _box(key).decrypt(stored.encode()).decode()
    except InvalidToken:
        return None


def address(secret: str, *, login: str, brand: str) -> str:
    """What the QR for an authenticator app says."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=brand)


def step_of(secret: str | None, code: str, *, now: datetime) -> int | None:
    """The time step `code` belongs to, this one or a neighbour; None when it is wrong."""
    digits = "".join(code.split())
    if not secret or not digits.isascii():
        return None
    present, totp = int(now.timestamp()) // STEP_SECONDS, pyotp.TOTP(secret)
    near = (present, present - 1, present + 1)
    return next((step for step in near if totp.verify(digits, for_time=step * STEP_SECONDS)), None)


def _box(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"staff second factor").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
