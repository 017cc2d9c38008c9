"""Tokens of the simulator verify as LINE Login's do."""

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from line.simulator.testing import Simulator
from tests.line.simulator.conftest import Line


def verify(simulator: Simulator, token: str, **form: str) -> requests.Response:
    data = {"id_token": token, "client_id": simulator.channel.login_channel_id, **form}
    return requests.post(f"{simulator.base_url}/oauth2/v2.1/verify", data=data, timeout=5)


def test_an_id_token_verifies_both_ways(simulator: Simulator) -> None:
    user = simulator.add_user(name="Mei", picture="https://example.com/mei.png")
    token = simulator.id_token(user)
    keys = KeySet.import_key_set(requests.get(f"{simulator.base_url}/oauth2/v2.1/certs", timeout=5).json())
    claims = jwt.decode(token, keys, algorithms=["ES256"]).claims
    assert claims == verify(simulator, token).json()
    assert (claims["sub"], claims["name"], claims["iss"]) == (user, "Mei", "https://access.line.me")
    assert claims["aud"] == simulator.channel.login_channel_id


@pytest.mark.parametrize(
    ("life", "form", "why"),
    [
        (-60, {}, "IdToken expired."),
        (60, {"client_id": "999"}, "Invalid IdToken Audience."),
        (60, {"nonce": "n"}, "Invalid IdToken Nonce."),
        (60, {"user_id": "U1"}, "Invalid IdToken Subject Identifier."),
        (60, {"id_token": "a.b.c"}, "Invalid IdToken."),
    ],
)
def test_a_bad_id_token_says_why(simulator: Simulator, life: int, form: dict[str, str], why: str) -> None:
    token = simulator.id_token(simulator.add_user(), expires_in=life)
    answer = verify(simulator, token, **form)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request", "error_description": why}


def test_an_access_token_is_no_id_token(simulator: Simulator) -> None:
    assert verify(simulator, simulator.access_token(simulator.add_user())).status_code == 400


def test_an_access_token_shows_profile_and_friendship(simulator: Simulator, line: Line) -> None:
    user = simulator.add_user(name="Ken", following=True)
    token = simulator.access_token(user)
    bearer = {"Authorization": f"Bearer {token}"}
    checked = line("GET", f"/oauth2/v2.1/verify?access_token={token}").json()
    assert checked["client_id"] == simulator.channel.login_channel_id
    assert checked["expires_in"] > 40_000
    assert line("GET", "/v2/profile", headers=bearer).json() == {"userId": user, "displayName": "Ken"}
    assert line("GET", "/friendship/v1/status", headers=bearer).json() == {"friendFlag": True}
    simulator.unfollow(user)
    assert line("GET", "/friendship/v1/status", headers=bearer).json() == {"friendFlag": False}


def test_a_revoked_access_token_is_refused(simulator: Simulator, line: Line) -> None:
    token = simulator.access_token(simulator.add_user())
    requests.post(f"{simulator.base_url}/oauth2/v2.1/revoke", data={"access_token": token}, timeout=5)
    answer = line("GET", f"/oauth2/v2.1/verify?access_token={token}")
    assert answer.json()["error_description"] == "The access token revoked"
    assert line("GET", "/v2/profile", headers={"Authorization": f"Bearer {token}"}).status_code == 401
