"""HTTP/1.1 to one host, as little of it as bulk sending needs: why it is ours is told in docs/decisions/0011.

A request is written once and never again by itself: whatever happens to its connection afterwards, whoever
asked is told how far it came, and decides.
"""

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from line.parsing import NotHttp, Parser, Reply

CONNECT_SECONDS = 3.0  # for each address of the host
REMEMBERS_ADDRESSES = 10.0
KEPT_SECONDS = 15.0  # an idle connection is not used after that: the other side may be closing it
LOOKS_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer. `reached` is False when not a byte of the request was written."""

    words: str
    reached: bool


Done = Callable[[Reply | Lost], None]
Ready = Callable[[], Awaitable[None]]


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    __slots__ = ("_done", "_parser", "_pool", "_transport", "deadline", "idle_since")

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._parser = Parser()
        self._done: Done | None = None
        self._transport: Any = None  # uvloop's is no asyncio.Transport
        self.deadline = self.idle_since = 0.0

    @property
    def is_good(self) -> bool:
        return not self._transport.is_closing()

    def ask(self, request: bytes, done: Done, deadline: float) -> None:
        self._done, self.deadline = done, deadline
        try:
            self._transport.write(request)
        except RuntimeError as error:  # closed a moment ago
            self._over(Lost(str(error), reached=True), is_reusable=False)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def give_up(self, words: str) -> None:
        """No more waiting. What has been said so far counts."""
        self._parser.end(is_clean=False)
        self._over(self._parser.reply or Lost(words, reached=True), is_reusable=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._done is None:  # nobody asked: it is about to be closed
            self._pool.drop(self)
            return
        try:
            is_whole = self._parser.feed(data)
        except NotHttp as error:
            self._over(Lost(str(error), reached=True), is_reusable=False)
            return
        if is_whole and self._parser.reply is not None:
            self._over(self._parser.reply, is_reusable=self._parser.is_reusable)

    def connection_lost(self, error: Exception | None) -> None:
        if self._done is None:
            self._pool.drop(self)
        else:
            self._parser.end(is_clean=error is None)
            lost = Lost(str(error) if error else "the connection was closed", reached=True)
            self._over(self._parser.reply or lost, is_reusable=False)

    def _over(self, outcome: Reply | Lost, *, is_reusable: bool) -> None:
        done, self._done = self._done, None
        if is_reusable:
            self._parser = Parser()
            self._pool.keep(self)
        else:
            self._pool.drop(self)
        if done is not None:
            done(outcome)


class Pool:
    """The connections to one host. `ask` from the loop's own thread; `done` is called there, exactly once."""

    def __init__(self, base: str, *, seconds: float) -> None:
        parts = urlsplit(base)
        self.host, self.prefix = parts.netloc.rpartition("@")[2], parts.path.rstrip("/")
        self._name, self._tls = parts.hostname or "", _tls() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._seconds = seconds
        self._idle: deque[Connection] = deque()
        self._busy: dict[Connection, None] = {}  # in the order of their deadlines
        self._opening: set[asyncio.Task[None]] = set()
        self._addresses: tuple[float, list[Any]] = (float("-inf"), [])
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(LOOKS_EVERY, self._look)

    def ask(self, request: bytes, done: Done, ready: Ready | None = None) -> None:
        """Sends a request; a new connection awaits `ready` before it is used."""
        now = time.monotonic()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_good and now - connection.idle_since < KEPT_SECONDS:
                self._use(connection, request, done, now + self._seconds)
                return
            connection.close()
        task = asyncio.create_task(self._ask_anew(request, done, ready))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def close(self) -> None:
        self._timer.cancel()
        for task in self._opening:
            task.cancel()
        for connection in (*self._idle, *self._busy):
            connection.close()
        await asyncio.gather(*self._opening, return_exceptions=True)

    def keep(self, connection: Connection) -> None:
        """It may be used again."""
        self._busy.pop(connection, None)
        connection.idle_since = time.monotonic()
        self._idle.append(connection)

    def drop(self, connection: Connection) -> None:
        if self._busy.pop(connection, self) is self and connection in self._idle:
            self._idle.remove(connection)
        connection.close()

    def _use(self, connection: Connection, request: bytes, done: Done, deadline: float) -> None:
        self._busy[connection] = None
        connection.ask(request, done, deadline)

    async def _ask_anew(self, request: bytes, done: Done, ready: Ready | None) -> None:
        deadline = time.monotonic() + self._seconds
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._seconds):
                connection = await self._connect()
                if ready is not None:
                    await ready()
            if not connection.is_good:
                raise ConnectionResetError("closed before it was used")
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, Exception):
                raise
            done(Lost(str(error) or "no connection", reached=False))
        else:
            self._use(connection, request, done, deadline)

    async def _connect(self) -> Connection:
        raw = await self._socket()
        try:
            name = self._name if self._tls else None
            make = partial(Connection, self)
            _, connection = await self._loop.create_connection(make, sock=raw, ssl=self._tls, server_hostname=name)
        except BaseException:
            raw.close()
            raise
        return connection

    async def _socket(self) -> socket.socket:
        """Connected to the first of the host's addresses that lets us."""
        trouble: Exception = OSError("the host has no address")
        for family, kind, protocol, _, address in await self._find():
            raw = socket.socket(family, kind, protocol)
            try:
                raw.setblocking(False)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await asyncio.wait_for(self._loop.sock_connect(raw, address), CONNECT_SECONDS)
            except (OSError, TimeoutError) as error:
                raw.close()
                trouble = error
            except BaseException:
                raw.close()
                raise
            else:
                return raw
        raise trouble

    async def _find(self) -> list[Any]:
        found_at, addresses = self._addresses
        if time.monotonic() - found_at > REMEMBERS_ADDRESSES:
            addresses = await self._loop.getaddrinfo(self._name, self._port, type=socket.SOCK_STREAM)
            self._addresses = (time.monotonic(), addresses)
        return addresses

    def _look(self) -> None:
        """Who has waited long enough waits no more; who has been idle long enough is let go."""
        now = time.monotonic()
        for connection in [each for each in self._busy if each.deadline <= now]:
            connection.give_up("no answer in time")
        while self._idle and now - self._idle[0].idle_since > KEPT_SECONDS:
            self._idle.popleft().close()
        self._timer = self._loop.call_later(LOOKS_EVERY, self._look)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
