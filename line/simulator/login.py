"""LINE Login: ES256 tokens signed with the simulator's own key, and the addresses that verify them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from line.simulator.answers import Answer, Call, LoginRefusal, Refusal
from line.simulator.people import User
from line.simulator.world import World

ISSUER = "https://access.line.me"
ID_TOKEN_LIFE = 3600
ACCESS_TOKEN_LIFE = 12 * 3600
SCOPE = "profile openid chat_message.write"
CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


@dataclass(frozen=True)
class Signer:
    """Signs and reads tokens. The key follows from the channel secret, so tokens outlive a restart."""

    channel_id: str
    seed: str

    @cached_property
    def key(self) -> ECKey:
        """The signing key."""
        number = int.from_bytes(hashlib.sha512(f"login {self.seed}".encode()).digest(), "big") % (CURVE_ORDER - 1) + 1
        private = ec.derive_private_key(number, ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        kid = hashlib.sha256(f"kid {self.seed}".encode()).hexdigest()
        return ECKey.import_key(pem, {"kid": kid, "alg": "ES256", "use": "sig"})

    def id_token(self, user: User, now: float, expires_in: int = ID_TOKEN_LIFE, nonce: str | None = None) -> str:
        """An ID token as LIFF gets it; a negative life makes one that has expired."""
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": user.user_id,
            "aud": self.channel_id,
            "exp": int(now + expires_in),
            "iat": int(min(now, now + expires_in - 1)),
            "amr": ["linesso"],
            "name": user.name,
        }
        if user.picture:
            claims["picture"] = user.picture
        if nonce:
            claims["nonce"] = nonce
        return self._sign(claims)

    def access_token(self, user: User, now: float, expires_in: int = ACCESS_TOKEN_LIFE) -> str:
        """A user access token; its content is nobody's business but ours."""
        return self._sign(
            {"sim": "access", "sub": user.user_id, "client_id": self.channel_id, "exp": int(now + expires_in)}
        )

    def hint(self, user: User, now: float) -> str:
        """What the phone tells a page in its frame, so that the `liff` stand-in knows whose phone it is on."""
        return self._sign({"sim": "hint", "sub": user.user_id, "exp": int(now + ACCESS_TOKEN_LIFE)})

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of a token signed here, whatever its age; None for any other."""
        try:
            return dict(jwt.decode(token, self.key, algorithms=["ES256"]).claims)
        except (JoseError, ValueError):
            return None

    def _sign(self, claims: dict[str, Any]) -> str:
        header = {"alg": "ES256", "typ": "JWT", "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, algorithms=["ES256"])


def signer(world: World) -> Signer:
    """The signer of this account's Login channel."""
    found = _SIGNERS.get(world.channel.secret)
    if found is None or found.channel_id != world.channel.login_channel_id:
        found = Signer(world.channel.login_channel_id, world.channel.secret)
        _SIGNERS[world.channel.secret] = found
    return found


_SIGNERS: dict[str, Signer] = {}  # deriving the key is slow, and each account keeps one


def certs(world: World, call: Call) -> Answer:
    """GET /oauth2/v2.1/certs."""
    return Answer(payload={"keys": [signer(world).key.as_dict(private=False)]})


def verify_id_token(world: World, call: Call) -> Answer:
    """POST /oauth2/v2.1/verify, a form."""
    form = {key: values[0] for key, values in parse_qs(call.raw.decode("utf-8", "replace")).items()}
    claims = signer(world).read(form.get("id_token", ""))
    if claims is None or "sim" in claims:
        raise LoginRefusal(400, "Invalid IdToken.")
    if claims["aud"] != form.get("client_id"):
        raise LoginRefusal(400, "Invalid IdToken Audience.")
    if claims["exp"] <= world.clock.machine():
        raise LoginRefusal(400, "IdToken expired.")
    if "nonce" in form and form["nonce"] != claims.get("nonce"):
        raise LoginRefusal(400, "Invalid IdToken Nonce.")
    if "user_id" in form and form["user_id"] != claims["sub"]:
        raise LoginRefusal(400, "Invalid IdToken Subject Identifier.")
    return Answer(payload=claims)


def verify_access_token(world: World, call: Call) -> Answer:
    """GET /oauth2/v2.1/verify?access_token=."""
    claims = _access_claims(world, call.query.get("access_token", ""))
    left = int(claims["exp"] - world.clock.machine())
    return Answer(payload={"scope": SCOPE, "client_id": claims["client_id"], "expires_in": left})


def revoke(world: World, call: Call) -> Answer:
    """POST /oauth2/v2.1/revoke, a form."""
    world.revoked_tokens.update(parse_qs(call.raw.decode("utf-8", "replace")).get("access_token", []))
    return Answer()


def own_profile(world: World, call: Call) -> Answer:
    """GET /v2/profile with a user's access token."""
    profile = _bearer(world, call).profile()
    profile.pop("language", None)
    return Answer(payload=profile)


def user_info(world: World, call: Call) -> Answer:
    """GET or POST /oauth2/v2.1/userinfo."""
    user = _bearer(world, call)
    return Answer(
        payload={"sub": user.user_id, "name": user.name, **({"picture": user.picture} if user.picture else {})}
    )


def friendship(world: World, call: Call) -> Answer:
    """GET /friendship/v1/status: false for who blocked the account."""
    return Answer(payload={"friendFlag": _bearer(world, call).state == "friend"})


def _access_claims(world: World, token: str) -> dict[str, Any]:
    claims = signer(world).read(token)
    if claims is None or claims.get("sim") != "access":
        raise LoginRefusal(400, "The access token not JWS")
    if token in world.revoked_tokens:
        raise LoginRefusal(400, "The access token revoked")
    if claims["exp"] <= world.clock.machine():
        raise LoginRefusal(400, "The access token expired")
    return claims


def _bearer(world: World, call: Call) -> User:
    scheme, _, token = call.headers.get("Authorization", "").partition(" ")
    try:
        user = world.people.get(_access_claims(world, token)["sub"]) if scheme == "Bearer" else None
    except LoginRefusal as refusal:
        raise Refusal(401, f"Authentication failed due to the following reason: {refusal.message}") from refusal
    if user is None:
        raise Refusal(401, "Authentication failed due to the following reason: invalid token")
    return user
