"""Hostile requests at both OpenAPI documents: nothing breaks, and nothing answers what is not written down."""

from typing import Any

import jsonschema
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import create_app
from domain.operations.keying import add_key
from models.session import Sessions, make_engine
from settings import Settings
from tests.support import databases
from tests.support.moments import NOW

DOCUMENTS = ("/api/openapi.json",)
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
EXAMPLES = 50  # of each kind for each operation


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """On PostgreSQL, which is the stricter about what it stores."""
    url = databases.fresh("postgresql", "fuzz", tmp_path_factory.mktemp("fuzz"))
    made = create_app(
        Settings(database_url=url, secret_key="a-secret-only-tests-know-0123456789"), Sessions(make_engine(url))
    )
    yield made
    made.extensions["regulars"].sessions.engine.dispose()
    databases.drop(url)


@pytest.fixture(scope="module")
def headers(app: Flask) -> dict[str, str]:
    with app.extensions["regulars"].sessions.writing() as session:
        key = add_key(session, name="fuzz", now=NOW)
        session.commit()
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_document_holds_only_its_own_paths(app: Flask, document: str) -> None:
    spec = app.test_client().get(document).get_json()
    assert spec["openapi"].startswith("3.1")
    prefix = document.rsplit("/", 1)[0]
    assert spec["paths"]
    assert all(path.startswith(prefix) for path in spec["paths"])
    for schema in spec["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_hostile_requests_get_documented_answers(
    app: Flask, headers: dict[str, str], document: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_wsgi(document, app)
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def attack(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        attack()
