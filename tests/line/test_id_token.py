"""Only a token that LINE signed for our channel, and lately, says who somebody is."""

import base64
import json
from collections.abc import Iterator

import pytest

from line.client import LineAccess
from line.id_token import IdTokens, TokenExpired, TokenRefused
from line.simulator.testing import Simulator


@pytest.fixture(scope="module")
def line() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def tokens(line: Simulator) -> IdTokens:
    return IdTokens(access_to(line))


def access_to(line: Simulator, channel: str | None = None) -> LineAccess:
    return LineAccess(
        token=line.channel.access_token, base=line.base_url, login_channel_id=channel or line.channel.login_channel_id
    )


def test_a_good_token_names_the_person(line: Simulator, tokens: IdTokens) -> None:
    user = line.add_user(name="Mei")
    claims = tokens.verify(line.id_token(user))
    assert (claims.user_id, claims.name) == (user, "Mei")


def test_a_token_just_past_its_end_is_still_good(line: Simulator, tokens: IdTokens) -> None:
    assert tokens.verify(line.id_token(line.add_user(), expires_in=-30)).user_id


def test_an_old_token_is_expired_not_merely_wrong(line: Simulator, tokens: IdTokens) -> None:
    with pytest.raises(TokenExpired):
        tokens.verify(line.id_token(line.add_user(), expires_in=-90))


def test_a_token_for_another_channel_is_refused(line: Simulator) -> None:
    with pytest.raises(TokenRefused):
        IdTokens(access_to(line, "9999999999")).verify(line.id_token(line.add_user()))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "....", "é.é.é"])
def test_what_is_no_token_is_refused(tokens: IdTokens, token: str) -> None:
    with pytest.raises(TokenRefused):
        tokens.verify(token)


def test_unsigned_and_resigned_tokens_are_refused(line: Simulator, tokens: IdTokens) -> None:
    head, body, signature = line.id_token(line.add_user()).split(".")
    other = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = encoded({**other, "sub": "U" + "0" * 32})
    unsigned = encoded({"alg": "none", "typ": "JWT"})
    for token in (f"{unsigned}.{body}.", f"{head}.{forged}.{signature}", f"{head}.{body}.{signature[:-4]}AAAA"):
        with pytest.raises(TokenRefused):
            tokens.verify(token)


def encoded(part: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
