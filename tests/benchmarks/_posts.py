"""Signed webhook posts thrown at a server: as fast as it answers, or at a fixed rate whatever it answers."""

import asyncio
import base64
import hmac
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

DESTINATION = "U" + "0" * 32
PATIENCE = 30.0


@dataclass
class Answers:
    """What came back: how long each answer took, and how many of which status (0: none at all)."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    spent: float = 0.0
    accepted: list[int] = field(default_factory=list)  # which posts, by number, were answered 200

    def note(self, number: int, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.seconds.append(seconds)
        if status == 200:
            self.accepted.append(number)

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the answers came."""
        return statistics.quantiles(self.seconds, n=1000)[round(share * 1000) - 1] * 1000

    @property
    def worst(self) -> float:
        return max(self.seconds) * 1000


def event(kind: str, *, user: str, number: int, at: int, **more: Any) -> dict[str, Any]:
    """One event of LINE's shape."""
    return {
        "type": kind, "mode": "active", "timestamp": at, "source": {"type": "user", "userId": user},
        "webhookEventId": f"01BENCH{os.getpid():07d}{number:012d}", "deliveryContext": {"isRedelivery": False},
        **more,
    }  # fmt: skip


def text_event(words: str, *, user: str, number: int, at: int) -> dict[str, Any]:
    message = {"id": str(10**15 + number), "type": "text", "quoteToken": "q3Plxr4AgKd", "text": words}
    return event("message", user=user, number=number, at=at, replyToken=f"{number:032x}", message=message)


def body_of(*events: dict[str, Any]) -> bytes:
    return json.dumps({"destination": DESTINATION, "events": events}, ensure_ascii=False).encode()


def request_of(url: str, body: bytes, secret: str, *, signature: str | None = None) -> bytes:
    """The whole HTTP request, signed."""
    parts = urlsplit(url)
    made = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: LineBotWebhook/2.0\r\n"
        f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"X-Line-Signature: {made if signature is None else signature}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One kept-alive connection, opened anew when the server closes it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> int:
        """The status, or 0 when there was no answer. A post on a connection that had gone stale is sent once more."""
        was_open = self._streams is not None
        try:
            return await asyncio.wait_for(self._send(request), PATIENCE)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError):
            self.close()
        if not was_open:
            return 0
        return await self.send(request)

    async def _send(self, request: bytes) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lower = head.lower()
        if b"content-length:" in lower:
            length = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if length:
                await reader.readexactly(length)
        if b"connection: close" in lower:
            self.close()
        return status

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


async def as_fast_as_answered(url: str, requests: Sequence[bytes], *, connections: int, seconds: float) -> Answers:
    """Closed loop: each connection sends its next post when the last is answered."""
    answers, until = Answers(), time.perf_counter() + seconds
    numbers = _counting()

    async def one() -> None:
        connection = Connection(url)
        while time.perf_counter() < until:
            number, began = next(numbers), time.perf_counter()
            status = await connection.send(requests[number % len(requests)])
            answers.note(number, status, time.perf_counter() - began)
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    answers.spent = time.perf_counter() - began
    return answers


async def at_a_rate(url: str, requests: Sequence[bytes], *, per_second: float, connections: int = 64) -> Answers:
    """Open loop: each post leaves at its moment, and is timed from that moment, however late the server is."""
    answers = Answers()
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    for _ in range(connections):
        free.put_nowait(Connection(url))

    async def one(number: int, due: float) -> None:
        connection = await free.get()
        try:
            status = await connection.send(requests[number])
        finally:
            free.put_nowait(connection)
        answers.note(number, status, time.perf_counter() - due)

    began, sent = time.perf_counter(), []
    for number in range(len(requests)):
        due = began + number / per_second
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        sent.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*sent)
    answers.spent = time.perf_counter() - began
    return answers


def _counting() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1
