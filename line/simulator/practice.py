"""Time in practice mode: asks the app to move business time, and follows where it is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from line.simulator.webhooks import Webhooks, sign
from line.simulator.world import World

EVERY = 1.0
WAITS = aiohttp.ClientTimeout(total=5)


def _address(world: World) -> str:
    return world.channel.public_url.rstrip("/") + "/practice/time"


async def advance(world: World, webhooks: Webhooks, seconds: int) -> dict[str, Any]:
    """Ask the app to go forward; it runs every due job on the way and tells how far it is."""
    body = json.dumps({"advance_seconds": seconds}).encode()
    headers = {"Content-Type": "application/json", "X-Line-Signature": sign(world.channel.secret, body)}
    async with webhooks.session().post(_address(world), data=body, headers=headers, timeout=WAITS) as response:
        text = await response.text()
        if response.status >= 300:
            raise RuntimeError(f"the app answered {response.status} to {_address(world)}: {text[:200]}")
    return await look(world, webhooks)


async def look(world: World, webhooks: Webhooks) -> dict[str, Any]:
    """Read the app's clock and follow it."""
    async with webhooks.session().get(_address(world), timeout=WAITS) as response:
        found = await response.json(content_type=None) if response.status == 200 else {}
    if isinstance(found, dict) and isinstance(found.get("offset_seconds"), int | float):
        follow(world, found)
    return world.practice_time


def follow(world: World, found: dict[str, Any]) -> None:
    """Take over the app's offset."""
    if found != world.practice_time:
        world.practice_time = found
        world.changed("clock")
    world.clock.offset_seconds = float(found["offset_seconds"])


async def keep_following(world: World, webhooks: Webhooks) -> None:
    """Look every second, whether the app is up or not."""
    while True:
        try:
            await look(world, webhooks)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            if world.practice_time:
                world.practice_time = {}
                world.changed("clock")
        await asyncio.sleep(EVERY)
