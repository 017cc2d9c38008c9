"""Who asks is who connects, unless our own proxies say otherwise."""

import pytest
from flask import request

from app import create_app
from models.session import Sessions
from settings import Settings


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.7")])
def test_only_as_many_proxies_are_believed_as_there_are(sessions: Sessions, proxies: int, seen: str) -> None:
    app = create_app(Settings(secret_key="x" * 32, trusted_proxies=proxies), sessions)
    app.add_url_rule("/who", view_func=lambda: request.remote_addr or "")
    told = {"X-Forwarded-For": "10.0.0.1, 198.51.100.7, 203.0.113.9"}
    assert app.test_client().get("/who", headers=told).text == seen
