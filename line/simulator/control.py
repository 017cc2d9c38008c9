"""The control addresses under /_sim: everything the page, and tests in other processes, can see and do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import aiohttp
from aiohttp import web

from line.simulator import acts, practice
from line.simulator.faults import CALL_FAULTS, OTHER_FAULTS, WEBHOOK_FAULTS
from line.simulator.login import ID_TOKEN_LIFE, signer
from line.simulator.people import User, user_from
from line.simulator.webhooks import Delivery, Webhooks
from line.simulator.world import World

Json = dict[str, Any]
Act = Callable[[User, Json], Awaitable[Any]]
Plain = Callable[[web.Request, Json], Any]


def add_routes(app: web.Application, world: World, webhooks: Webhooks) -> None:
    """Register the control addresses."""
    desk = Desk(world, webhooks)
    for method, path, plain in desk.table():
        app.router.add_route(method, f"/_sim/{path}", _answering(plain))
    app.router.add_get("/_sim/stream", desk.stream)


def _answering(plain: Plain) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
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


class Desk:
    """The control addresses' functions, over one world."""

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self.world = world
        self.webhooks = webhooks

    def table(self) -> list[tuple[str, str, Plain]]:
        """Method, path and function of each."""
        return [
            ("GET", "state", self.state),
            ("GET", "users", self.users),
            ("POST", "users", self.add_users),
            ("GET", "users/{user}", self.user),
            ("GET", "users/{user}/chat", self.chat),
            ("GET", "users/{user}/tokens", self.tokens),
            ("POST", "users/{user}/state", self.set_state),
            ("POST", "users/{user}/{act}", self.act),
            ("GET", "requests", self.requests),
            ("GET", "deliveries", self.deliveries),
            ("GET", "violations", lambda request, body: [asdict(item) for item in self.world.violations]),
            ("GET", "webhooks", lambda request, body: list(self.world.webhook_log)),
            ("POST", "webhooks", self.post_webhook),
            ("POST", "webhooks/settle", self.settle),
            ("GET", "faults", lambda request, body: self.world.faults.as_json()),
            ("POST", "faults", self.add_fault),
            ("DELETE", "faults", self.clear_faults),
            ("POST", "switches", self.set_switches),
            ("POST", "quota", self.set_quota),
            ("POST", "clock", self.set_clock),
            ("POST", "time", self.advance),
            ("GET", "time", self.look),
            ("POST", "webhook_url", self.set_webhook_url),
            ("POST", "reset", self.reset),
            ("POST", "sms", self.receive_text),
            ("GET", "sms", lambda request, body: self.world.texts),
        ]

    def state(self, request: web.Request, body: Json) -> Json:
        """Everything the panel shows at a glance."""
        world = self.world
        return {
            "channel": {"name": world.channel.name, "liff_id": world.channel.liff_id, "app": world.channel.public_url},
            "people": len(world.people),
            "friends": sum(user.state == "friend" for user in world.people),
            "now": world.clock.now().isoformat(),
            "offset_seconds": world.clock.offset_seconds,
            "time": world.practice_time,
            "violations": len(world.violations),
            "requests": len(world.requests),
            "faults": world.faults.as_json(),
            "known_faults": {"calls": CALL_FAULTS, "webhook": WEBHOOK_FAULTS, "other": OTHER_FAULTS},
            "switches": asdict(world.switches),
            "quota": {"limit": world.quota.limit, "used": world.quota.used.get(world.clock.month(), 0)},
            "texts": world.texts[-5:],
        }

    def users(self, request: web.Request, body: Json) -> list[Json]:
        """People matching a search."""
        limit = int(request.query.get("limit", "30"))
        return [_brief(user) for user in self.world.people.search(request.query.get("q", ""), limit)]

    def add_users(self, request: web.Request, body: Any) -> list[str]:
        """Add one person or a list of them."""
        rows = body if isinstance(body, list) else [body]
        return [self.world.people.add(user_from(row)).user_id for row in rows]

    def user(self, request: web.Request, body: Json) -> Json:
        """One person."""
        return _brief(self._user(request))

    def chat(self, request: web.Request, body: Json) -> Json:
        """One person's screen: chat, menu, whether the account is about to answer."""
        user = self._user(request)
        menu = self.world.menus.shown_to(user.rich_menu_id if user.state == "friend" else None)
        last = int(request.query.get("last", "60"))
        return {
            "user": _brief(user),
            "lines": [asdict(line) for line in user.chat[-last:]],
            "menu": menu.as_json() if menu is not None and menu.image is not None else None,
            "loading": user.loading_until > self.world.clock.machine(),
        }

    def tokens(self, request: web.Request, body: Json) -> Json:
        """Tokens as LIFF would hold them."""
        user, now = self._user(request), self.world.clock.machine()
        life = int(request.query.get("expires_in", ID_TOKEN_LIFE))
        sign = signer(self.world)
        nonce = request.query.get("nonce")
        return {
            "id_token": sign.id_token(user, now, life, nonce),
            "access_token": sign.access_token(user, now),
            "hint": sign.hint(user, now),
        }

    def set_state(self, request: web.Request, body: Json) -> Json:
        """Put a person into a state without any webhook: friend, blocked, stranger, deleted; or expire their tokens."""
        user = self._user(request)
        if "state" in body:
            user.state = body["state"]
        if "expired_tokens" in body:
            (self.world.expired_tokens.add if body["expired_tokens"] else self.world.expired_tokens.discard)(user.user_id)
        self.world.changed(user.user_id)
        return _brief(user)

    async def act(self, request: web.Request, body: Json) -> Json:
        """What a person does on their phone."""
        user, world, hooks = self._user(request), self.world, self.webhooks
        doing: dict[str, Act] = {
            "follow": lambda user, body: acts.follow(world, hooks, user),
            "block": lambda user, body: acts.block(world, hooks, user),
            "say": lambda user, body: acts.say(world, hooks, user, body["text"]),
            "send": lambda user, body: acts.send_message(world, hooks, user, body["message"]),
            "postback": lambda user, body: acts.postback(world, hooks, user, body["data"], body.get("params"), body.get("shown")),
            "unsend": lambda user, body: acts.unsend(world, hooks, user, body.get("message_id")),
            "tap": self._tap,
            "open": self._open,
        }
        act = doing.get(request.match_info["act"])
        if act is None:
            raise LookupError(f"no act called {request.match_info['act']!r}; there are {', '.join(doing)}")
        done = await act(user, body)
        return {"webhook": done.as_json()} if isinstance(done, Delivery) else dict(done)

    async def _tap(self, user: User, body: Json) -> Json:
        action = acts.find_action(self.world, user, body.get("action") or body["label"])
        return await acts.tap(self.world, self.webhooks, user, action, body.get("picked"))

    async def _open(self, user: User, body: Json) -> Json:
        """Where a link goes when this person taps it, and what tells the page whose phone it is on."""
        hint = signer(self.world).hint(user, self.world.clock.machine())
        return {"opens": acts.resolve(self.world, body["uri"]), "hint": hint}

    def requests(self, request: web.Request, body: Json) -> list[Json]:
        """The log of calls, oldest first."""
        wanted, limit = request.query.get("endpoint"), int(request.query.get("limit", "0"))
        found = [record for record in self.world.requests if wanted in (None, record.endpoint)]
        return [asdict(record) for record in (found[-limit:] if limit else found)]

    def deliveries(self, request: web.Request, body: Json) -> dict[str, int]:
        """Accepted deliveries by person, replies included."""
        return {user.user_id: user.deliveries for user in self.world.people if user.deliveries}

    async def post_webhook(self, request: web.Request, body: Json) -> Json:
        """Send events as given, or a raw body with a signature of one's own."""
        if "raw" in body:
            delivery = await self.webhooks.post(str(body["raw"]).encode(), body.get("signature"))
        else:
            delivery = await self.webhooks.send(*body["events"])
        return delivery.as_json()

    async def settle(self, request: web.Request, body: Json) -> Json:
        """Wait until every redelivery is over."""
        await self.webhooks.settle()
        return {}

    def add_fault(self, request: web.Request, body: Json) -> list[Json]:
        """Turn a fault on."""
        if body.get("kind") == "refuse":
            self.world.refuse_for(float(body.get("seconds", 5)))
        else:
            self.world.faults.add(**body)
        self.world.changed("state")
        return self.world.faults.as_json()

    def clear_faults(self, request: web.Request, body: Json) -> list[Json]:
        """Turn all faults off."""
        self.world.faults.clear()
        self.world.changed("state")
        return []

    def set_switches(self, request: web.Request, body: Json) -> Json:
        """Change what LINE leaves open."""
        for name, value in body.items():
            if not hasattr(self.world.switches, name):
                raise LookupError(f"no switch called {name!r}")
            setattr(self.world.switches, name, value)
        return asdict(self.world.switches)

    def set_quota(self, request: web.Request, body: Json) -> Json:
        """Set the month's limit (null: none) and what is used of it."""
        quota = self.world.quota
        quota.limit = body.get("limit")
        if "used" in body:
            quota.used[self.world.clock.month()] = int(body["used"])
        return {"limit": quota.limit, "used": quota.used.get(self.world.clock.month(), 0)}

    def set_clock(self, request: web.Request, body: Json) -> Json:
        """Set the offset without asking the app."""
        self.world.clock.offset_seconds = float(body["offset_seconds"])
        self.world.changed("clock")
        return {"now": self.world.clock.now().isoformat(), "offset_seconds": self.world.clock.offset_seconds}

    async def advance(self, request: web.Request, body: Json) -> Json:
        """Ask the app to go forward in time."""
        return await practice.advance(self.world, self.webhooks, int(body["seconds"]))

    async def look(self, request: web.Request, body: Json) -> Json:
        """Where the app's clock is."""
        return await practice.look(self.world, self.webhooks)

    def set_webhook_url(self, request: web.Request, body: Json) -> Json:
        """Where webhooks go from now on."""
        self.webhooks.url = body["url"]
        return {"url": self.webhooks.url}

    def reset(self, request: web.Request, body: Json) -> Json:
        """Forget everything but the channel and the switches."""
        self.world.forget()
        self.world.changed("state")
        return {}

    def receive_text(self, request: web.Request, body: Json) -> Json:
        """A text message to a phone number, from the app's sender of one-time codes."""
        text = {"to": str(body["to"]), "text": str(body["text"]), "at": self.world.clock.now().isoformat()}
        self.world.texts.append(text)
        self.world.changed("sms")
        return text

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the topics that have changed."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        topics: set[str] = set()
        woken = asyncio.Event()

        def watch(topic: str) -> None:
            topics.add(topic)
            woken.set()

        self.world.watchers.append(watch)
        try:
            await _push_topics(response, topics, woken)
        except ConnectionError:
            pass  # the page was closed
        finally:
            self.world.watchers.remove(watch)
        return response

    def _user(self, request: web.Request) -> User:
        user = self.world.people.get(request.match_info["user"])
        if user is None:
            raise LookupError(f"nobody here has the id {request.match_info['user']!r}")
        return user


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


def _brief(user: User) -> Json:
    return {
        "user_id": user.user_id,
        "name": user.name,
        "language": user.language,
        "picture": user.picture,
        "member_ref": user.member_ref,
        "state": user.state,
        "deliveries": user.deliveries,
        "rich_menu_id": user.rich_menu_id,
    }
