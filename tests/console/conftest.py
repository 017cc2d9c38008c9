"""The console on a database of its own, and staff who sign in."""

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app import create_app
from domain.operations import staffing
from models.session import Sessions
from models.staff import Staff
from models.store import Store
from settings import Settings
from tests.support.moments import NOW

PASSWORD = "correct horse battery"
HASH = staffing.HASHER.hash(PASSWORD)
ORIGIN = "http://localhost"


@pytest.fixture
def app(sessions: Sessions, database_url: str) -> APIFlask:
    settings = Settings(database_url=database_url, secret_key="a secret for tests, long enough", public_url=ORIGIN)
    return create_app(settings, sessions)


@pytest.fixture
def add_staff(sessions: Sessions) -> Callable[..., Staff]:
    def add(role: str = "marketer", login: str | None = None, **fields: Any) -> Staff:
        with sessions.writing() as session:
            staff = Staff(
                login=login or role, name=(login or role).title(), role=role, password_hash=HASH,
                language="en", created_at=NOW, **fields,
            )  # fmt: skip
            session.add(staff)
            session.commit()
            return staff

    return add


@pytest.fixture
def store(sessions: Sessions) -> Store:
    with sessions.writing() as session:
        made = Store(key="main", name="Main Street")
        session.add(made)
        session.commit()
        return made


class Desk:
    """A browser of a member of staff, without the browser: keeps cookies, sends tokens and Referers."""

    def __init__(self, app: APIFlask) -> None:
        self.client: FlaskClient = app.test_client()
        self.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, base_url=ORIGIN, **options)

    def token(self) -> str:
        """A CSRF token of this session, from the first page that has a form."""
        page = self.get("/console/me/")
        if page.status_code != 200:
            page = self.get("/console/sign-in")
        return str(page.text.split('name="csrf_token" value="')[1].split('"')[0])

    def post(self, path: str, data: dict[str, Any] | None = None, *, on: str = "/console/me/", **options: Any) -> Any:
        body = {"csrf_token": self.token(), **(data or {})}
        headers = {"Referer": ORIGIN + on}
        return self.client.post(path, data=body, base_url=ORIGIN, headers=headers, **options)

    def sign_in(self, login: str, password: str = PASSWORD) -> Any:
        return self.post("/console/sign-in", {"login": login, "password": password}, on="/console/sign-in")


@pytest.fixture
def desk(app: APIFlask) -> Desk:
    return Desk(app)


@pytest.fixture
def signed_in(app: APIFlask, add_staff: Callable[..., Staff]) -> Callable[..., Desk]:
    """`signed_in("marketer")`: a desk of a new member of staff of that role."""

    def sign(role: str, **fields: Any) -> Desk:
        staff = add_staff(role, **fields)
        made = Desk(app)
        assert made.sign_in(staff.login).status_code == 303
        return made

    return sign
