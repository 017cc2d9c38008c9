"""ID tokens from LINE Login: verified here against LINE's public keys, so that nobody can say they are someone else.

Machine time decides about expiry, with a minute's leeway for clocks that are off.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

import requests
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

from line.client import TIMEOUT_SECONDS, LineAccess

ISSUER = "https://access.line.me"
ALGORITHM = "ES256"
LEEWAY_SECONDS = 60
KEYS_LIVE_SECONDS = 3600.0
ASK_AGAIN_SECONDS = 30.0  # an unknown key makes us look again, but strangers cannot make us hammer LINE


class TokenRefused(Exception):
    """The token is not LINE's, not for us, or not a token at all."""


class TokenExpired(TokenRefused):
    """The token was good once; the mini-app must get a new one."""


class KeysUnavailable(Exception):
    """LINE's public keys could not be fetched; it says nothing about the token."""


@dataclass(frozen=True)
class Claims:
    """Who the token says is asking. Name and picture are absent when the person granted only `openid`."""

    user_id: str
    name: str | None = None
    picture: str | None = None


class IdTokens:
    """Verifies ID tokens for one Login channel. Keys are fetched once an hour, or when an unknown one turns up."""

    def __init__(self, access: LineAccess) -> None:
        self.access = access
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._lock = threading.Lock()

    def verify(self, token: str) -> Claims:
        """Raises TokenExpired, TokenRefused, or KeysUnavailable."""
        try:
            claims = self._decode(token)
            self._check(claims)
        except ExpiredTokenError as error:
            raise TokenExpired("the ID token has expired") from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise TokenRefused(str(error) or type(error).__name__) from error
        return Claims(str(claims["sub"]), _text(claims, "name"), _text(claims, "picture"))

    def _decode(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._key_set(), algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            # LINE may have changed its keys since we looked.
            if not self._may_look_again():
                raise
            return jwt.decode(token, self._key_set(fresh=True), algorithms=[ALGORITHM]).claims

    def _check(self, claims: dict[str, Any]) -> None:
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(time.time()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": self.access.login_channel_id},
            exp={"essential": True},
            sub={"essential": True},
        )
        registry.validate(claims)

    def _may_look_again(self) -> bool:
        return time.monotonic() - self._fetched_at > ASK_AGAIN_SECONDS

    def _key_set(self, *, fresh: bool = False) -> KeySet:
        with self._lock:
            old = time.monotonic() - self._fetched_at > KEYS_LIVE_SECONDS
            if self._keys is None or old or fresh:
                self._keys, self._fetched_at = self._fetch(), time.monotonic()
            return self._keys

    def _fetch(self) -> KeySet:
        try:
            answer = requests.get(self.access.host + "/oauth2/v2.1/certs", timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            return KeySet.import_key_set(answer.json())
        except (requests.RequestException, ValueError) as error:
            raise KeysUnavailable("LINE's public keys could not be fetched") from error


def _text(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None
