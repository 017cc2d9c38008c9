"""Holds each request against LINE's own OpenAPI description, where that is at hand; silently absent elsewhere."""

from __future__ import annotations

import importlib
import importlib.util
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from line.simulator.answers import Problem, invalid_body

DESCRIPTION = Path("shared/line-openapi/messaging-api.yml")
CHECKOUT = Path(__file__).resolve().parents[2]
SCHEMAS = "#/components/schemas/"
PARAMETER = re.compile(r"\{[^}]*\}")
ALTERNATIVES = re.compile(r"\{\w+:([^}|]+)\|[^}]*\}")


class OpenApi:
    """The request bodies LINE describes, by method and path."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._jsonschema: Any = importlib.import_module("jsonschema")
        self._components = {"schemas": _with_variants(description["components"]["schemas"])}
        self._schemas = dict(_bodies(description))
        self._validators: dict[tuple[str, str], Any] = {}

    def check(self, method: str, path: str, body: dict[str, Any]) -> None:
        """Refuse a body that LINE's description does not allow, as LINE would."""
        problems = self.problems(method, path, body)
        if problems:
            raise invalid_body(problems)

    def problems(self, method: str, path: str, body: dict[str, Any]) -> list[Problem]:
        """What LINE's description says against this body."""
        validator = self._validator(method, _plain(path))
        if validator is None:
            return []
        return [
            Problem(f"OpenAPI: {error.message[:300]}", _place(error.absolute_path))
            for error in validator.iter_errors(body)
        ]

    def _validator(self, method: str, path: str) -> Any:
        key = method.lower(), path
        if key not in self._validators:
            schema = self._schemas.get(key)
            whole = {**schema, "components": self._components} if schema else None
            self._validators[key] = self._jsonschema.Draft202012Validator(whole) if whole else None
        return self._validators[key]


@lru_cache(maxsize=1)
def find() -> OpenApi | None:
    """LINE's description beside the checkout, if it and the validator are there."""
    source = CHECKOUT.parent / DESCRIPTION
    if not source.is_file() or importlib.util.find_spec("jsonschema") is None:
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return OpenApi(yaml.load(source.read_text("utf-8"), Loader=loader))


def _bodies(description: dict[str, Any]) -> Any:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            if "application/json" in content:
                yield (method, _plain(path)), content["application/json"]["schema"]


def _plain(path: str) -> str:
    """A path whose parameters' names do not matter; of a choice of literals, the first."""
    return PARAMETER.sub("{}", ALTERNATIVES.sub(r"\1", path))


def _place(steps: Any) -> str:
    place = ""
    for step in steps:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
    return place


def _with_variants(schemas: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema knows no `discriminator`: say the same with if/then, and let the variants extend the bare parent."""
    parents = {name for name, schema in schemas.items() if "discriminator" in schema}
    result: dict[str, Any] = {}
    for name, schema in schemas.items():
        if name in parents:
            result[f"{name}.bare"] = {key: value for key, value in schema.items() if key != "discriminator"}
            result[name] = _choosing(name, schema["discriminator"])
        else:
            result[name] = _extending(schema, parents)
    return result


def _choosing(name: str, discriminator: dict[str, Any]) -> dict[str, Any]:
    key, mapping = discriminator["propertyName"], discriminator.get("mapping", {})
    branches: list[dict[str, Any]] = [
        {"if": {"properties": {key: {"const": value}}, "required": [key]}, "then": {"$ref": target}}
        for value, target in mapping.items()
    ]
    known = {"properties": {key: {"enum": sorted(mapping)}}, "required": [key]}
    return {"allOf": [{"$ref": f"{SCHEMAS}{name}.bare"}, known, *branches]}


def _extending(schema: dict[str, Any], parents: set[str]) -> dict[str, Any]:
    if "allOf" not in schema:
        return schema
    parts = [_bare(part, parents) for part in schema["allOf"]]
    return {**schema, "allOf": parts}


def _bare(part: dict[str, Any], parents: set[str]) -> dict[str, Any]:
    name = str(part.get("$ref", "")).removeprefix(SCHEMAS)
    return {"$ref": f"{SCHEMAS}{name}.bare"} if name in parents else part
