"""A member of staff at a real browser's distance: signs in over HTTP and posts forms with their tokens."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import requests

from domain.operations import staffing
from models.session import Sessions
from models.staff import Staff

PASSWORD = "correct horse battery"


def add_staff(sessions: Sessions, role: str, *, store_id: int | None = None) -> Staff:
    with sessions.writing() as session:
        staff = Staff(
            login=role, name=role.title(), role=role, store_id=store_id, language="en", created_at=datetime.now(UTC),
            password_hash=staffing.HASHER.hash(PASSWORD),
        )  # fmt: skip
        session.add(staff)
        session.commit()
        return staff


class StaffBrowser:
    """Signed in as `login`; `post` sends a form the way the page would."""

    def __init__(self, url: str, login: str) -> None:
        self.url = url
        self.http = requests.Session()
        answer = self.post("/console/sign-in", {"login": login, "password": PASSWORD}, page="/console/sign-in")
        assert "/sign-in" not in answer.url, answer.text

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.url + path)

    def post(self, path: str, form: dict[str, Any] | None = None, *, page: str = "/console/me/") -> requests.Response:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        assert token, f"no form on {page}"
        body = {"csrf_token": token[1], **(form or {})}
        answer = self.http.post(self.url + path, data=body, headers={"Referer": self.url + page})
        refused = re.search(r'class="flash refused">([^<]+)', answer.text)
        assert not refused, f"{path}: {refused and refused[1]}"
        return answer

    def form_request(self, *, page: str) -> tuple[dict[str, str], str]:
        """The headers and body of a form without fields, for tests that send many at once."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        assert token, f"no form on {page}"
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)
        headers = {"Cookie": cookies, "Referer": self.url + page, "Content-Type": "application/x-www-form-urlencoded"}
        return headers, urlencode({"csrf_token": token[1]})
