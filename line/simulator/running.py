"""Runs the simulator: opens the port, closes it for a while when that fault is asked for, keeps the state file."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any

from aiohttp import web

from line.simulator import acts, openapi_check, practice, server
from line.simulator.people import User
from line.simulator.state_file import StateFile
from line.simulator.webhooks import Webhooks
from line.simulator.world import World

HOST = "127.0.0.1"  # never reachable from elsewhere
log = logging.getLogger(__name__)


class Running:
    """One simulator on one port."""

    def __init__(self, world: World, *, port: int = 0, state: Path | None = None, follow_app: bool = False) -> None:
        self.world = world
        self.webhooks = Webhooks(world, world.channel.public_url.rstrip("/") + "/webhook")
        self._port = port
        self._state = StateFile(world, state) if state else None
        self._follow_app = follow_app
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._port}"

    async def start(self) -> None:
        """Open the port and start what runs beside it."""
        self.world.refuse_for = self._refuse_for
        self.world.user_sends = self._user_sends
        app = server.build(self.world, self.webhooks, openapi_check.find())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await self._open()
        if self._state is not None:
            self._tasks.append(asyncio.create_task(self._state.keep()))
        if self._follow_app:
            self._tasks.append(asyncio.create_task(practice.keep_following(self.world, self.webhooks)))

    async def stop(self) -> None:
        """Close the port and write the state a last time."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.webhooks.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._state is not None:
            self._state.write()

    async def _open(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, HOST, self._port, backlog=1024)
        await self._site.start()
        if self._port == 0:
            self._port = self._runner.addresses[0][1]

    def _refuse_for(self, seconds: float) -> None:
        """Refuse new connections for so long: the fault of a LINE that cannot be reached."""
        self._tasks.append(asyncio.create_task(self._close_and_open(seconds)))

    async def _close_and_open(self, seconds: float) -> None:
        await asyncio.sleep(0.05)  # let the answer to whoever asked for this get out
        if self._site is not None and self._runner is not None and self._runner.server is not None:
            await self._site.stop()
            for connection in list(self._runner.server.connections):
                connection.force_close()
            await asyncio.sleep(seconds)
            await self._open()

    async def _user_sends(self, user: User, message: dict[str, Any]) -> None:
        if message.get("type") == "text":
            await acts.say(self.world, self.webhooks, user, message["text"])
        else:
            await acts.send_message(self.world, self.webhooks, user, message)
