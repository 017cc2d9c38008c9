"""Puts the pieces behind one port: LINE's addresses, the control addresses and the page of phones."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from line.simulator import control, liff_script, phones
from line.simulator.answers import OVER_QUOTA, RATE_LIMITED, Answer, Call, Refusal
from line.simulator.faults import Fault
from line.simulator.openapi_check import OpenApi
from line.simulator.routes import NOT_BUILT, ROUTES, Route
from line.simulator.webhooks import Webhooks
from line.simulator.world import Record, World, new_request_id

LARGEST_BODY = 2 * 1024 * 1024
BEFORE = {
    "error_before", "timeout_before", "reset_before", "rate_limited", "quota", "html", "unauthorized", "portal",
}  # fmt: skip
BAD_TOKEN = (
    "Authentication failed due to the following reason: invalid token. "
    "Confirm that the access token in the authorization header is valid."
)
STRUCK = {
    "error_before": Answer(500, {"message": "Internal server error"}),
    "error_after": Answer(500, {"message": "Internal server error"}),
    "rate_limited": Answer(429, {"message": RATE_LIMITED}),
    "quota": Answer(429, {"message": OVER_QUOTA}),
    "unauthorized": Answer(401, {"message": BAD_TOKEN}),
    "portal": Answer(200, blob=b"<html><body>Please sign in to the network</body></html>", content_type="text/html"),
    "empty_body": Answer(200, blob=b""),
    "broken_json": Answer(200, blob=b'{"sentMessages": [{"id": "46'),
    "html": Answer(502, blob=b"<html><body><h1>502 Bad Gateway</h1></body></html>", content_type="text/html"),
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build(world: World, webhooks: Webhooks, openapi: OpenApi | None) -> web.Application:
    """The application behind the port."""
    app = web.Application(client_max_size=LARGEST_BODY)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _endpoint(world, route, openapi))
    control.add_routes(app, world, webhooks)
    liff_script.add_routes(app, world)
    phones.add_routes(app, world)
    app.router.add_route("*", "/{path:.*}", _elsewhere(world))
    return app


def _endpoint(world: World, route: Route, openapi: OpenApi | None) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        world.paces[route.name].note(time.monotonic())
        call = Call(route.name, new_request_id(), request.match_info, request.query, request.headers, b"", {})
        fault = world.faults.strike(route.name) if world.faults.active else None
        if fault is not None and fault.kind in BEFORE:
            answer = await _struck(fault, request)
        else:
            answer = await _read_and_answer(world, route, call, request, openapi)
            if fault is not None:
                answer = await _struck(fault, request) if fault.kind != "delay" else await _later(fault, answer)
        _record(world, route, call, request, answer, started, fault)
        response = _response(answer, call.request_id)
        if fault is not None and fault.kind == "portal":  # not LINE's answer at all
            del response.headers["x-line-request-id"]
        return response

    return serve


async def _read_and_answer(
    world: World, route: Route, call: Call, request: web.Request, openapi: OpenApi | None
) -> Answer:
    try:
        call.raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return Answer(413, {"message": "The request body is larger than 2 MB"})
    try:
        _admit(world, route, call)
        if openapi is not None and world.switches.openapi and route.body == "json":
            openapi.check(route.method, route.path, call.body)
        return route.handler(world, call)
    except Refusal as refusal:
        if refusal.breach:
            world.breach(route.name, call.request_id, refusal.breach)
        return refusal.answer()


def _admit(world: World, route: Route, call: Call) -> None:
    """What LINE asks of any call before looking at what it wants."""
    if route.channel_token and call.headers.get("Authorization") != f"Bearer {world.channel.access_token}":
        raise Refusal(401, BAD_TOKEN)
    if world.switches.rate_limits and not world.buckets.take(route.name, route.rate):
        raise Refusal(429, RATE_LIMITED)
    if call.retry_key is not None and not route.takes_retry_key:
        raise Refusal(
            400, "The X-Line-Retry-Key header is not supported by this endpoint", breach="retry key not taken here"
        )
    if route.body == "json":
        call.body = _parse(call)


def _parse(call: Call) -> dict[str, Any]:
    kind = call.headers.get("Content-Type", "")
    if not kind.startswith("application/json"):
        raise Refusal(415, f"The content type, {kind}, is not supported", breach=f"content type {kind!r}")
    try:
        body = json.loads(call.raw)
    except json.JSONDecodeError as error:
        text = f"The request body could not be parsed as JSON (line: {error.lineno}, column: {error.colno})"
        raise Refusal(400, text, breach=text) from error
    except UnicodeDecodeError as error:
        raise Refusal(400, "The request body is not UTF-8", breach="the body is not UTF-8") from error
    if not isinstance(body, dict):
        raise Refusal(400, "The request body is not a JSON object", breach="the body is not a JSON object")
    return body


async def _struck(fault: Fault, request: web.Request) -> Answer:
    """What a fault makes of an answer."""
    if fault.kind.startswith("timeout"):
        await _until_gone(request, fault.seconds)
    if fault.kind.startswith(("timeout", "reset")):
        if request.transport is not None:
            request.transport.abort()
        return Answer(599)
    return STRUCK[fault.kind]


async def _later(fault: Fault, answer: Answer) -> Answer:
    await asyncio.sleep(fault.seconds)
    return answer


async def _until_gone(request: web.Request, seconds: float) -> None:
    """Keep silent until the caller gives up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and _is_there(request):  # noqa: ASYNC110 - nothing tells when a caller hangs up
        await asyncio.sleep(0.05)


def _is_there(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def _record(
    world: World, route: Route, call: Call, request: web.Request, answer: Answer, started: float, fault: Fault | None
) -> None:
    world.requests.append(
        Record(
            request_id=call.request_id,
            at=world.clock.now().isoformat(),
            endpoint=route.name,
            method=request.method,
            path=request.path,
            status=answer.status,
            retry_key=call.retry_key,
            to=call.recipients,
            messages=call.messages,
            milliseconds=round((time.perf_counter() - started) * 1000, 2),
            fault=fault.kind if fault else "",
            message=answer.payload.get("message", "") if answer.status >= 400 and answer.blob is None else "",
        )
    )
    if world.watchers:
        world.changed("requests")


def _response(answer: Answer, request_id: str) -> web.Response:
    headers = {"x-line-request-id": request_id, **answer.headers}
    body = answer.blob if answer.blob is not None else json.dumps(answer.payload, ensure_ascii=False).encode()
    headers["Content-Type"] = answer.content_type
    return web.Response(status=answer.status, body=body, headers=headers)


def _elsewhere(world: World) -> Handler:
    """501 by name for what LINE has and the simulator has not; 404 for the rest."""

    async def serve(request: web.Request) -> web.StreamResponse:
        name = f"{request.method} {request.path}"
        if request.path.startswith(NOT_BUILT):
            answer = Answer(501, {"message": f"The simulator does not play {name}"})
        else:
            answer = Answer(404, {"message": "Not found"})
        return _response(answer, new_request_id())

    return serve
