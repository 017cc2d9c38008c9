"""The mini-app's OpenAPI document keeps its word: whatever is sent, answers are documented ones, and never a 5xx."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks

from tests.liff.conftest import make_app
from tests.support import databases
from tests.support.databases import PUBLIC_URL

MEI = "U" + "1" * 32
HOLDS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
ERASURE = "/liff/api/me/erasure"  # would end the session the others use


@pytest.fixture(scope="module")
def app_of_spec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = make_app(databases.fresh("sqlite", "spec", tmp_path_factory.mktemp("spec")))
    yield made
    made.extensions["regulars"].sessions.engine.dispose()


@pytest.fixture(scope="module")
def headers(app_of_spec: Any) -> dict[str, str]:
    """Those of a member's page."""
    origin = {"Origin": PUBLIC_URL}
    with app_of_spec.test_client() as client:
        client.post("/liff/api/session", json={"id_token": f"{MEI}|Mei"}, headers=origin)
        body = {"name": "Mei", "phone": "0912345678", "consent": True}
        assert client.post("/liff/api/registration", json=body, headers=origin).status_code == 204
        cookie = client.get_cookie("regulars_member", path="/liff")
        assert cookie is not None
        return {**origin, "Cookie": f"regulars_member={cookie.value}"}


@pytest.fixture(scope="module")
def documented(app_of_spec: Any) -> Any:
    return schemathesis.openapi.from_wsgi("/liff/openapi.json", app_of_spec).exclude(path=ERASURE)


def test_the_document_is_openapi_of_this_door_alone(phone: Any) -> None:
    document = phone.client.get("/liff/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert all(path.startswith("/liff/api/") for path in document["paths"])
    operations = [each for item in document["paths"].values() for each in item.values() if isinstance(each, dict)]
    bodies = [operation["requestBody"] for operation in operations if "requestBody" in operation]
    assert bodies
    assert all(body["required"] for body in bodies)
    for operation in operations:
        assert {"400", "401", "403", "404", "409", "415", "422", "429"} <= set(operation["responses"])


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_documented(documented: Any, headers: dict[str, str], mode: GenerationMode) -> None:
    """Both with what fits the document, and with what does not."""
    for found in documented.get_all_operations():
        operation = found.ok()

        @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=HOLDS)

        with contextlib.suppress(Unsatisfiable):  # an operation that takes nothing cannot be sent the wrong thing
            holds()
