"""Keeps friends, chats and menus over a restart: a line of JSON for the account, then one for each person.

Only people whose line has changed are written out anew in memory; the file is written whole and swapped in.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from line.simulator.people import Line, User
from line.simulator.world import World

EVERY = 2.0
LINES_KEPT = 60
USER_FIELDS = tuple(name for name in User.__dataclass_fields__ if name != "chat")
LINE_FIELDS = tuple(Line.__dataclass_fields__)


class StateFile:
    """One file, and what of it is still true."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.path = path
        self._people: dict[str, str] = {}
        self._changed = asyncio.Event()
        world.watchers.append(self._note)

    async def keep(self) -> None:
        """Write whenever something changed, at most every two seconds."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(EVERY)
            self._changed.clear()
            await asyncio.to_thread(_swap_in, self.text(), self.path)

    def write(self) -> None:
        """Write now."""
        _swap_in(self.text(), self.path)

    def text(self) -> str:
        """The whole file."""
        lines = [json.dumps(_account(self.world), ensure_ascii=False)]
        for user in self.world.people:
            if user.user_id not in self._people:
                self._people[user.user_id] = json.dumps(_person(user), ensure_ascii=False)
            lines.append(self._people[user.user_id])
        return "\n".join(lines) + "\n"

    def _note(self, topic: str) -> None:
        self._people.pop(topic, None)
        self._changed.set()


def read(world: World, path: Path) -> bool:
    """Take up what an earlier run left; False when there is nothing."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open(encoding="utf-8") as lines:
        account = json.loads(next(lines))
        for line in lines:
            row = json.loads(line)
            chat = [Line(**dict(zip(LINE_FIELDS, values, strict=True))) for values in row.pop("chat")]
            world.people.add(User(**row, chat=chat))
    world.menus.load(account["menus"])
    world.retry_keys.load(account["retry_keys"])
    world.quota.used.update(account["quota"])
    world.clock.offset_seconds = account["offset_seconds"]
    world.texts.extend(account["texts"])
    return True


def _account(world: World) -> dict[str, Any]:
    return {
        "menus": world.menus.dump(),
        "retry_keys": world.retry_keys.dump(world.clock.seconds()),
        "quota": world.quota.used,
        "offset_seconds": world.clock.offset_seconds,
        "texts": world.texts[-20:],
    }


def _person(user: User) -> dict[str, Any]:
    chat = [[getattr(line, name) for name in LINE_FIELDS] for line in user.chat[-LINES_KEPT:]]
    return {name: getattr(user, name) for name in USER_FIELDS} | {"chat": chat}


def _swap_in(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_text(text, "utf-8")
    os.replace(fresh, path)
