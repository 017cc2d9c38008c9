"""LINE calling the app: builds events, signs and posts them, and does to them what networks do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from line.simulator.people import User
from line.simulator.world import World

ANSWERED_BY_TOKEN = {"message", "follow", "join", "postback", "videoPlayComplete", "beacon", "memberJoined"}
REDELIVER_AFTER = (0.3, 1.0, 2.0, 4.0, 8.0)
PATIENCE = 2.0  # LINE gives up after two seconds; slower answers are noted
GIVES_UP = 30.0  # we wait longer, so that a busy machine does not look like a broken app
HELD_FOR = 0.5
log = logging.getLogger(__name__)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(slots=True)
class Delivery:
    """What came of posting one webhook."""

    at: str
    status: int | None
    milliseconds: float
    events: list[str]
    redelivery: bool
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the log."""
        slow = self.milliseconds > PATIENCE * 1000
        return {
            "at": self.at,
            "status": self.status,
            "milliseconds": self.milliseconds,
            "events": self.events,
            "redelivery": self.redelivery,
            "error": self.error,
            "slow": slow,
        }


def sign(secret: str, body: bytes) -> str:
    """The X-Line-Signature of a raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def ulid(milliseconds: int) -> str:
    """A webhookEventId: time first, then chance."""
    number = (milliseconds << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -5, -5))


def event(world: World, user: User, kind: str, **payload: Any) -> dict[str, Any]:
    """A webhook event of this user, as LINE words it."""
    now = world.clock.milliseconds()
    built: dict[str, Any] = {
        "type": kind,
        "mode": "active",
        "timestamp": now,
        "source": {"type": "user", "userId": user.user_id},
        "webhookEventId": ulid(now),
        "deliveryContext": {"isRedelivery": False},
        **payload,
    }
    if kind in ANSWERED_BY_TOKEN:
        built["replyToken"] = world.reply_tokens.issue(user.user_id, world.clock.seconds())
    return built


class Webhooks:
    """Posts events to the app."""

    def __init__(self, world: World, url: str | None = None) -> None:
        self.world = world
        self.url = url
        self._session: aiohttp.ClientSession | None = None
        self._held: list[dict[str, Any]] | None = None
        self._later: set[asyncio.Task[Any]] = set()

    async def send(self, *events: dict[str, Any]) -> Delivery:
        """Post events in one webhook; returns when the app has answered, or when a fault has swallowed it."""
        ordered = list(events)
        struck = {fault.kind: fault for fault in self.world.faults.strikes("webhook")}
        if "drop" in struck:
            return self._lost(ordered, "dropped")
        if "delay" in struck:
            await asyncio.sleep(struck["delay"].seconds)
        if "reorder" in struck:
            ordered.reverse()
            if self._held is None:
                self._hold(ordered)
                return self._lost(ordered, "held back, so that the next arrives first")
        delivery = await self.post(self.envelope(ordered))
        if "duplicate" in struck:
            await self.post(self.envelope(ordered))
        await self._release()
        if not _delivered(delivery):
            self._soon(self._redeliver(ordered))
        return delivery

    def envelope(self, events: list[dict[str, Any]]) -> bytes:
        """The body of a webhook."""
        whole = {"destination": self.world.channel.bot_user_id, "events": events}
        return json.dumps(whole, ensure_ascii=False).encode()

    async def post(self, body: bytes, signature: str | None = None, *, redelivery: bool = False) -> Delivery:
        """Post a body as it is, signed unless a signature is given."""
        started = time.perf_counter()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-Line-Signature": sign(self.world.channel.secret, body) if signature is None else signature,
            "User-Agent": "LineBotWebhook/2.0",
        }
        status, error = await self._exchange(body, headers)
        took = round((time.perf_counter() - started) * 1000, 1)
        delivery = Delivery(self.world.clock.now().isoformat(), status, took, _kinds(body), redelivery, error)
        self._log(delivery)
        return delivery

    async def settle(self) -> None:
        """Wait until nothing is held back or to be redelivered."""
        await self._release()
        while self._later:
            await asyncio.gather(*self._later, return_exceptions=True)

    async def close(self) -> None:
        """Stop redelivering and hang up."""
        for task in self._later:
            task.cancel()
        if self._session is not None:
            await self._session.close()

    def session(self) -> aiohttp.ClientSession:
        """The connection pool towards the app."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=GIVES_UP))
        return self._session

    async def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int | None, str]:
        if not self.url:
            return None, "no webhook address set"
        try:
            async with self.session().post(self.url, data=body, headers=headers) as response:
                await response.read()
                return response.status, ""
        except TimeoutError:
            return None, "request_timeout"
        except aiohttp.ClientError as error:
            log.info("webhook not delivered: %s", error)
            return None, "could_not_connect"

    async def _redeliver(self, events: list[dict[str, Any]]) -> None:
        """The same events again, marked as redelivered, with another minute for their reply tokens."""
        if not self.world.switches.redelivery or not self.url:
            return
        again = [{**item, "deliveryContext": {"isRedelivery": True}} for item in events]
        for pause in REDELIVER_AFTER:
            await asyncio.sleep(pause)
            for item in events:
                self.world.reply_tokens.received_again(item.get("replyToken", ""), self.world.clock.seconds())
            if _delivered(await self.post(self.envelope(again), redelivery=True)):
                return

    def _hold(self, events: list[dict[str, Any]]) -> None:
        self._held = events
        self._soon(self._release_later())

    async def _release_later(self) -> None:
        await asyncio.sleep(HELD_FOR)
        await self._release()

    async def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            await self.post(self.envelope(held))

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _lost(self, events: list[dict[str, Any]], why: str) -> Delivery:
        kinds = [str(item.get("type")) for item in events]
        delivery = Delivery(self.world.clock.now().isoformat(), None, 0.0, kinds, False, why)
        self._log(delivery)
        return delivery

    def _log(self, delivery: Delivery) -> None:
        self.world.webhook_log.append(delivery.as_json())
        self.world.changed("requests")


def _delivered(delivery: Delivery) -> bool:
    return delivery.status is not None and 200 <= delivery.status < 300


def _kinds(body: bytes) -> list[str]:
    try:
        return [str(item.get("type")) for item in json.loads(body)["events"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
