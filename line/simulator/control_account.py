"""Control addresses about the account: what it sent, what goes wrong, what time it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from line.simulator import practice
from line.simulator.faults import CALL_FAULTS, OTHER_FAULTS, WEBHOOK_FAULTS
from line.simulator.webhooks import Webhooks
from line.simulator.world import World

Json = dict[str, Any]
Plain = Callable[[web.Request, Any], Any]


class AccountDesk:
    """What can be asked of the account, over one world."""

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self.world = world
        self.webhooks = webhooks

    def table(self) -> list[tuple[str, str, Plain]]:
        """Method, path and function of each address."""
        return [
            ("GET", "state", self.state),
            ("GET", "requests", self.requests),
            ("GET", "deliveries", self.deliveries),
            ("GET", "pace", lambda request, body: {name: pace.as_json() for name, pace in self.world.paces.items()}),
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

    def requests(self, request: web.Request, body: Json) -> list[Json]:
        """The log of calls, oldest first."""
        wanted, limit = request.query.get("endpoint"), int(request.query.get("limit", "0"))
        found = [record for record in self.world.requests if wanted in (None, record.endpoint)]
        return [asdict(record) for record in (found[-limit:] if limit else found)]

    def deliveries(self, request: web.Request, body: Json) -> dict[str, int]:
        """Accepted deliveries by person, replies included."""
        return {user.user_id: user.deliveries for user in self.world.people if user.deliveries}

    def set_quota(self, request: web.Request, body: Json) -> Json:
        """Set the month's limit (null: none) and what is used of it."""
        quota = self.world.quota
        quota.limit = body.get("limit")
        if "used" in body:
            quota.used[self.world.clock.month()] = int(body["used"])
        return {"limit": quota.limit, "used": quota.used.get(self.world.clock.month(), 0)}

    def set_switches(self, request: web.Request, body: Json) -> Json:
        """Change what LINE leaves open."""
        for name, value in body.items():
            if not hasattr(self.world.switches, name):
                raise LookupError(f"no switch called {name!r}")
            setattr(self.world.switches, name, value)
        return asdict(self.world.switches)

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

    def set_webhook_url(self, request: web.Request, body: Json) -> Json:
        """Where webhooks go from now on."""
        self.webhooks.url = body["url"]
        return {"url": self.webhooks.url}
