"""The mini-app through Flask's own client, on both databases; people sign in with a token, as on a phone."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from line.id_token import Claims, TokenExpired, TokenRefused
from models.session import Sessions
from settings import Settings
from tests.support.databases import LIFF_ID, LOGIN_CHANNEL_ID, PUBLIC_URL

SECRET = "a-secret-only-tests-know-0123456789"


class SpokenTokens:
    """Stands where LINE's keys are: a token is `user_id|name`; the real check is in tests/line."""

    def verify(self, token: str) -> Claims:
        if token == "expired":
            raise TokenExpired
        if "|" not in token:
            raise TokenRefused
        user_id, name = token.split("|")
        return Claims(user_id, name)


class Phone:
    """A member's phone: a browser of its own, with what the mini-app's modules would send."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.headers = {"Origin": PUBLIC_URL, "Accept-Language": "en"}

    def open_as(self, user_id: str, name: str = "Mei") -> Any:
        answer = self.post("/session", {"id_token": f"{user_id}|{name}"})
        assert answer.status_code == 204, answer.text
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/liff/api{path}", headers={**self.headers, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(f"/liff/api{path}", json=body or {}, headers={**self.headers, **headers})

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(f"/liff/api{path}", json=body, headers=self.headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/liff/api{path}", json={}, headers=self.headers)

    def page(self, path: str) -> Any:
        return self.client.get(f"/liff{path}", headers=self.headers)


def make_app(database_url: str, sessions: Sessions | None = None) -> Any:
    """The application on this database, with tokens that tests can speak."""
    settings = Settings(
        database_url=database_url, secret_key=SECRET, public_url=PUBLIC_URL, line_channel_secret="s",
        line_channel_access_token="t", line_login_channel_id=LOGIN_CHANNEL_ID, liff_id=LIFF_ID,
    )  # fmt: skip
    made = create_app(settings, sessions)
    made.extensions["regulars"].extra["id_tokens"] = SpokenTokens()
    return made


@pytest.fixture
def app(sessions: Sessions, database_url: str) -> Any:
    return make_app(database_url, sessions)


@pytest.fixture
def phone(app: Any) -> Phone:
    return Phone(app.test_client())


@pytest.fixture
def another_phone(app: Any) -> Phone:
    return Phone(app.test_client())
