"""The `liff` stand-in and the addresses it asks: who holds the phone, their tokens, their chat."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from line.simulator import acts
from line.simulator.login import ACCESS_TOKEN_LIFE, ID_TOKEN_LIFE, SCOPE, signer
from line.simulator.people import User
from line.simulator.world import World

SCRIPT = Path(__file__).parent / "static" / "liff.js"


def add_routes(app: web.Application, world: World) -> None:
    """Register the script and what it needs."""
    desk = LiffDesk(world)
    app.router.add_get("/liff/sdk.js", desk.script)
    app.router.add_get("/liff/context", desk.context)
    app.router.add_get("/liff/friendship", desk.friendship)
    app.router.add_post("/liff/send", desk.send)
    app.router.add_route("OPTIONS", "/liff/{path:.*}", desk.preflight)
    app.router.add_get("/liff/login", desk.login)
    app.router.add_get("/liff/open/{liff_id}", desk.open)
    app.router.add_get("/liff/open/{liff_id}/{path:.*}", desk.open)


class LiffDesk:
    """What the stand-in asks of the simulator, from the app's pages."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def script(self, request: web.Request) -> web.StreamResponse:
        """GET /liff/sdk.js: the stand-in, told which mini-app it plays."""
        settings = {"liffId": self.world.channel.liff_id, "endpoint": self.world.channel.liff_endpoint}
        text = SCRIPT.read_text("utf-8").replace('"LIFF-SETTINGS"', json.dumps(settings))
        headers = {"Cache-Control": "no-cache", **self._cors(request)}
        return web.Response(text=text, content_type="text/javascript", headers=headers)

    async def context(self, request: web.Request) -> web.StreamResponse:
        """GET /liff/context?sim_user=: tokens and profile of whoever holds the phone."""
        user = self._holder(request.query.get("sim_user", ""))
        return self._nobody(request) if user is None else self._json(request, self._session(user))

    async def friendship(self, request: web.Request) -> web.StreamResponse:
        """GET /liff/friendship?sim_user=: what liff.getFriendship answers."""
        user = self._holder(request.query.get("sim_user", ""))
        return self._nobody(request) if user is None else self._json(request, {"friendFlag": user.state == "friend"})

    async def send(self, request: web.Request) -> web.StreamResponse:
        """POST /liff/send: liff.sendMessages puts messages into the chat in the user's name."""
        body = await request.json()
        user = self._holder(str(body.get("sim_user", "")))
        if user is None:
            return self._nobody(request)
        for message in body["messages"][:5]:
            if message.get("type") in ("template", "flex"):
                self.world.say(user, "user", message)  # LINE sends no webhook for these
            elif self.world.user_sends is not None:
                await self.world.user_sends(user, message)
        return self._json(request, {})

    async def preflight(self, request: web.Request) -> web.StreamResponse:
        """OPTIONS: the app's pages may ask."""
        return web.Response(status=204, headers=self._cors(request))

    async def login(self, request: web.Request) -> web.StreamResponse:
        """GET /liff/login: outside LINE, choose whom to sign in as; stands for access.line.me."""
        target = request.query.get("redirect_uri", self.world.channel.liff_endpoint)
        if not target.startswith(self.world.channel.liff_endpoint):
            raise web.HTTPBadRequest(text="redirect_uri must start with the mini-app's endpoint address")
        people = self.world.people.search(request.query.get("q", ""), 40)
        items = "".join(
            f'<li><a href="{html.escape(self._returning(target, user))}">{html.escape(user.name)}</a></li>'
            for user in people
        )
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>'
            '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/static/phones.css">'
            f'<main class="login"><h1>Sign in as</h1><ul>{items}</ul></main></html>'
        )
        return web.Response(text=page, content_type="text/html")

    async def open(self, request: web.Request) -> web.StreamResponse:
        """GET /liff/open/{liffId}/…: stands for https://liff.line.me/{liffId}/…"""
        path = request.match_info.get("path", "")
        raise web.HTTPFound(acts.liff_address(self.world, f"/{path}" if path else "", request.query_string))

    def _json(self, request: web.Request, payload: Any, status: int = 200) -> web.Response:
        return web.json_response(payload, status=status, headers=self._cors(request))

    def _nobody(self, request: web.Request) -> web.Response:
        return self._json(request, {"error": "nobody is known to hold this phone"}, 404)

    def _session(self, user: User) -> dict[str, Any]:
        sign, now = signer(self.world), self.world.clock.machine()
        life = -60 if user.user_id in self.world.expired_tokens else ID_TOKEN_LIFE
        # An expired token is handed out once: signing in again cures it, as it does at LINE.
        self.world.expired_tokens.discard(user.user_id)
        id_token = sign.id_token(user, now, life)
        return {
            "idToken": id_token,
            "decodedIDToken": sign.read(id_token),
            "accessToken": sign.access_token(user, now),
            "expiresIn": ACCESS_TOKEN_LIFE,
            "scope": SCOPE.split(),
            "profile": user.profile(),
            "language": user.language,
        }

    def _holder(self, hint: str) -> User | None:
        """The person behind a hint of ours, or behind a bare user id, which tests put into addresses."""
        claims = signer(self.world).read(hint) if "." in hint else None
        return self.world.people.get(claims["sub"] if claims else hint)

    def _returning(self, target: str, user: User) -> str:
        hint = signer(self.world).hint(user, self.world.clock.machine())
        return f"{target}{'&' if '?' in target else '?'}{urlencode({'sim_user': hint})}"

    def _cors(self, request: web.Request) -> dict[str, str]:
        """The app's own pages may read the answers; nobody else's."""
        origin, app = request.headers.get("Origin", ""), urlsplit(self.world.channel.public_url)
        if urlsplit(origin).hostname not in (app.hostname, "127.0.0.1", "localhost"):
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Headers": "Content-Type", "Vary": "Origin"}
