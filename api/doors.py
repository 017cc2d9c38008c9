"""This door's routes, their one error shape, their limits and their document."""

from apiflask import APIFlask
from flask import Response, g, jsonify
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

import door_errors
import door_spec
from api import points
from api.collecting import open_collecting
from api.health import health
from api.v1 import PREFIX, v1

# A till that sends each receipt by itself stays far below; a script gone wild does not.
CALLS = "600 per minute"
# Before the key is looked at; several tills may share an address.
KNOCKS = "1200 per minute"


def open_all(app: APIFlask) -> None:
    # Counted per process: it stops a flood, it does not account for anyone.
    limiter = Limiter(_caller, app=app, storage_uri="memory://", key_prefix="api")
    # A limiter of its own: one that counts a route by key would pass over its blueprint's limit.
    gate = Limiter(get_remote_address, app=app, storage_uri="memory://", key_prefix="gate")
    gate.limit(KNOCKS)(v1)
    assert points.v1 is v1  # its routes hang on the same blueprint
    app.register_blueprint(v1)
    app.register_blueprint(health)
    open_collecting(app)
    app.add_url_rule("/api/openapi.json", "api_openapi", openapi)
    for prefix in ("/api/", "/metrics"):
        door_errors.shape_errors(app, prefix, door_errors.problem)
    for endpoint in ("purchases", "events", "members", "points", "balances"):
        name = f"api_v1.{endpoint}"
        app.view_functions[name] = limiter.limit(CALLS)(app.view_functions[name])


def _caller() -> str:
    return str(g.get("caller") or get_remote_address())


def openapi() -> Response:
    """The OpenAPI document of the batches."""
    document = door_spec.spec_of(PREFIX, "Regulars batches")
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"key": []}]
    return jsonify(document)
