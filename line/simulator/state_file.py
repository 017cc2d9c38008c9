"""Keeps friends, chats and menus over a restart: one JSON file, written whole and swapped in."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from line.simulator.people import Line, User
from line.simulator.world import World

EVERY = 2.0
LINES_KEPT = 60


def dump(world: World) -> dict[str, Any]:
    """Everything worth keeping."""
    return {
        "users": [_user(user) for user in world.people],
        "menus": world.menus.dump(),
        "retry_keys": world.retry_keys.dump(),
        "quota": world.quota.used,
        "offset_seconds": world.clock.offset_seconds,
        "texts": world.texts[-20:],
    }


def write(world: World, path: Path) -> None:
    """Write the file so that a kill leaves either the old or the new one."""
    _swap_in(json.dumps(dump(world), ensure_ascii=False), path)


def read(world: World, path: Path) -> bool:
    """Take up what an earlier run left; False when there is nothing."""
    if not path.is_file():
        return False
    kept = json.loads(path.read_text("utf-8"))
    for row in kept["users"]:
        lines = [Line(**line) for line in row.pop("chat")]
        world.people.add(User(**row, chat=lines))
    world.menus.load(kept["menus"])
    world.retry_keys.load(kept["retry_keys"])
    world.quota.used.update(kept["quota"])
    world.clock.offset_seconds = kept["offset_seconds"]
    world.texts.extend(kept.get("texts", []))
    return True


async def keep(world: World, path: Path) -> None:
    """Write whenever something changed, at most every two seconds."""
    changed = asyncio.Event()
    world.watchers.append(lambda topic: changed.set())
    while True:
        await changed.wait()
        await asyncio.sleep(EVERY)
        changed.clear()
        text = json.dumps(dump(world), ensure_ascii=False)
        await asyncio.to_thread(_swap_in, text, path)


def _user(user: User) -> dict[str, Any]:
    kept = {name: getattr(user, name) for name in User.__dataclass_fields__ if name != "chat"}
    kept["chat"] = [asdict(line) for line in user.chat[-LINES_KEPT:]]
    return kept


def _swap_in(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_text(text, "utf-8")
    os.replace(fresh, path)
