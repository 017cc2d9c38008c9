"""Starts the simulator: `python -m line.simulator --port 8001`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from line.simulator import state_file
from line.simulator.running import HOST, Running
from line.simulator.world import Channel, World


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m line.simulator", description="LINE on loopback, over HTTP.")
    parser.add_argument("--port", type=int, default=8001, help="0 picks a free one (default: 8001)")
    parser.add_argument("--users", type=Path, help="JSON lines of the people who hold the phones")
    parser.add_argument("--state", type=Path, help="file that keeps friends and chats over a restart")
    parser.add_argument("--quota", type=int, help="people the plan allows to reach in a month (default: no limit)")
    parser.add_argument("--bare", action="store_true", help="for measuring: no chats, no rate limits, no OpenAPI check")
    parser.add_argument("--rates", action="store_true", help="with --bare: still refuse calls that come too fast")
    return parser


def channel(environment: Mapping[str, str]) -> Channel:
    """The account to play, from the same variables the app reads."""
    names = {
        "secret": "LINE_CHANNEL_SECRET",
        "access_token": "LINE_CHANNEL_ACCESS_TOKEN",
        "login_channel_id": "LINE_LOGIN_CHANNEL_ID",
        "liff_id": "LIFF_ID",
        "public_url": "PUBLIC_URL",
    }
    return Channel(**{field: environment[name] for field, name in names.items() if environment.get(name)})


def furnish(options: argparse.Namespace, environment: Mapping[str, str]) -> World:
    """The world as the command line asks for it."""
    world = World(channel=channel(environment))
    world.quota.limit = options.quota
    if options.state:
        state_file.read(world, options.state)
    if options.users:
        with options.users.open(encoding="utf-8") as lines:
            world.people.load(json.loads(line) for line in lines if line.strip())
    if options.bare:
        switches = world.switches
        switches.keep_chats = switches.openapi = False
        switches.rate_limits = options.rates
    return world


async def serve(world: World, options: argparse.Namespace) -> None:
    """Run until told to stop."""
    running = Running(world, port=options.port, state=options.state, follow_app=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await running.start()
    print(f"listening on {running.base_url}", flush=True)  # noqa: T201 - whoever started it reads the port here
    await stop.wait()
    await running.stop()


def main() -> int:
    """Start, or say in one line why not."""
    options = arguments().parse_args()
    try:
        asyncio.run(serve(furnish(options, os.environ), options))
    except (OSError, ValueError, KeyError) as error:
        print(f"simulator: cannot start on {HOST}:{options.port}: {error}", file=sys.stderr)  # noqa: T201 - speaks to a terminal
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
