"""ID tokens that nobody may believe: parts of a good one exchanged, or signed with what is no signing key."""

import base64
import hmac
import json
from typing import Any


def forged(token: str, *, header: Any = None, claims: Any = None, signature: str | None = None) -> str:
    """A good token with some of its header, its claims or its signature exchanged."""
    head, body, tail = token.split(".")
    if header is not None:
        head = packed({**opened(head), **header})
    if claims is not None:
        body = packed({**opened(body), **claims})
    return ".".join((head, body, tail if signature is None else signature))


def hs256(token: str, secret: str) -> str:
    """A token that hopes its verifier believes the algorithm it names."""
    body = token.split(".")[1]
    head = packed({"alg": "HS256", "typ": "JWT"})
    tail = base64.urlsafe_b64encode(hmac.digest(secret.encode(), f"{head}.{body}".encode(), "sha256"))
    return f"{head}.{body}.{tail.rstrip(b'=').decode()}"


def opened(part: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def packed(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
