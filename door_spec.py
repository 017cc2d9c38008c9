"""The OpenAPI document of one door: only its paths, and only the schemas they use."""

from copy import deepcopy
from typing import Any

from flask import json

import door

Json = dict[str, Any]
PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable: scripts may compare it."},
        "detail": {"type": "string", "description": "For people: what did not happen, why, what to do now."},
        "field": {"type": "string", "description": "Of a refusal about one field: which."},
        "errors": {"type": "object", "description": "Of a 422: what is wrong, by place."},
    },
}
ERRORS = {
    "400": "Not JSON, or not readable",
    "401": "Not signed in",
    "403": "Not allowed, or not registered yet",
    "404": "No such thing",
    "409": "Not any more, or not twice",
    "413": "Too large",
    "415": "Not sent as JSON",
    "422": "Missing or impossible values",
    "429": "Too often",
    "503": "Busy; again in a moment",
}


def spec_of(prefix: str, title: str) -> Json:
    """What `GET …/openapi.json` of the door under `prefix` answers."""
    for blueprint in door.current_app.blueprints.values():
        if not hasattr(blueprint, "enable_openapi"):  # APIFlask trips over plain blueprints that have guards
            blueprint.enable_openapi = False  # type: ignore[attr-defined]  # APIFlask's own attribute
    whole: Json = deepcopy(door.current_app.spec)  # type: ignore[attr-defined]  # the app is an APIFlask
    paths = {path: _documented(item) for path, item in whole["paths"].items() if path.startswith(prefix)}
    schemas = whole.get("components", {}).get("schemas", {})
    return {
        "openapi": whole["openapi"],
        "info": {"title": title, "version": whole["info"]["version"]},
        "paths": paths,
        "components": {"schemas": {"Problem": PROBLEM, **_used(paths, schemas)}},
    }


def _documented(item: Json) -> Json:
    """Bodies are required, and every answer the door may give has its shape."""
    for method, operation in item.items():
        if method not in {"get", "post", "put", "patch", "delete"}:
            continue
        if "requestBody" in operation:
            operation["requestBody"]["required"] = True
        for status, words in ERRORS.items():
            shape = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            operation["responses"][status] = {"description": words, "content": shape}
    return item


def _used(paths: Json, schemas: Json) -> Json:
    """The schemas that `paths` refer to, and those that these refer to."""
    found: Json = {}
    text = json.dumps(paths)
    while True:
        more = {
            name: schema
            for name, schema in schemas.items()
            if name not in found and f'"#/components/schemas/{name}"' in text
        }
        if not more:
            return found
        found |= more
        text = json.dumps(found)
