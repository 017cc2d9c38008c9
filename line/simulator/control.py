"""The control addresses under /_sim: everything the page, and tests in other processes, can see and do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from line.simulator.control_account import AccountDesk
from line.simulator.control_people import PeopleDesk
from line.simulator.webhooks import Webhooks
from line.simulator.world import World

Plain = Callable[[web.Request, Any], Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, world: World, webhooks: Webhooks) -> None:
    """Register the control addresses."""
    app.router.add_get("/_sim/stream", _stream(world))
    for desk in (AccountDesk(world, webhooks), PeopleDesk(world, webhooks)):
        for method, path, plain in desk.table():
            app.router.add_route(method, f"/_sim/{path}", _answering(plain))


def _answering(plain: Plain) -> Handler:
    """Turn a plain function into a handler; what it cannot do is said in one sentence."""

    async def serve(request: web.Request) -> web.StreamResponse:
        if not _from_here(request):
            return web.json_response({"error": "only this page and programs on this machine may do that"}, status=403)
        try:
            body = json.loads(await request.read() or b"{}") if request.method != "GET" else {}
            found = plain(request, body)
            if asyncio.iscoroutine(found):
                found = await found
        except (LookupError, ValueError, TypeError, RuntimeError, aiohttp.ClientError, TimeoutError) as error:
            return web.json_response({"error": str(error.args[0]) if error.args else str(error)}, status=400)
        return web.json_response(found)

    return serve


def _from_here(request: web.Request) -> bool:
    """Other sites open in the same browser may not press our buttons."""
    origin = request.headers.get("Origin")
    return origin is None or origin == f"http://{request.host}"


def _stream(world: World) -> Handler:
    """GET /_sim/stream: server-sent events, each a list of the topics that have changed."""

    async def serve(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        topics: set[str] = set()
        woken = asyncio.Event()

        def watch(topic: str) -> None:
            topics.add(topic)
            woken.set()

        world.watchers.append(watch)
        try:
            await _push_topics(response, topics, woken)
        except ConnectionError:
            pass  # the page was closed
        finally:
            world.watchers.remove(watch)
        return response

    return serve


async def _push_topics(response: web.StreamResponse, topics: set[str], woken: asyncio.Event) -> None:
    """Send what changed, at most a few times a second; a comment now and then notices that the page has gone."""
    await response.write(b": hello\n\n")
    while True:
        try:
            await asyncio.wait_for(woken.wait(), 10)
        except TimeoutError:
            await response.write(b": still here\n\n")
            continue
        changed = sorted(topics)
        topics.clear()
        woken.clear()
        await response.write(f"data: {json.dumps(changed)}\n\n".encode())
        await asyncio.sleep(0.15)
