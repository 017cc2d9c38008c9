"""Webhooks as LINE sends them: signed, at a rate, over several connections; what got no 200 is sent again."""

import base64
import hmac
import http.client
import json
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

numbers = count(1)


@dataclass(frozen=True)
class Post:
    """One attempt: which body, when, how long, what came back (0: no answer at all)."""

    body: int
    at: float
    seconds: float
    status: int


@dataclass
class Ledger:
    """Everything that was posted."""

    posts: list[Post] = field(default_factory=list)

    @property
    def acked(self) -> set[int]:
        """Bodies that were answered 200 at least once."""
        return {post.body for post in self.posts if post.status == 200}

    def statuses(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for post in self.posts:
            found[post.status] = found.get(post.status, 0) + 1
        return dict(sorted(found.items()))

    def rate(self) -> float:
        """Posts a second, as it came to be."""
        moments = [post.at for post in self.posts]
        return len(moments) / max(0.001, max(moments) - min(moments)) if moments else 0.0

    def ack_seconds(self, share: float) -> float:
        """The time within which this share of the 200s came."""
        spent = sorted(post.seconds for post in self.posts if post.status == 200)
        return spent[min(len(spent) - 1, int(len(spent) * share))] if spent else 0.0


class Storm:
    """Posts bodies at `rate` a second from `connections` connections, in the background.

    `redeliver`: LINE's redelivery; a body that got no 200 is posted again a little later until it does
    (or until it has one of the answers in `final`).
    """

    def __init__(
        self, url: str, secret: str, bodies: Sequence[bytes], *, rate: float, connections: int = 16,
        redeliver: bool = True, final: Collection[int] = (200,), path: str = "/webhook",
    ) -> None:  # fmt: skip
        self.host, self.path, self.secret = url.removeprefix("http://"), path, secret
        self.bodies, self.rate, self.redeliver, self.final = bodies, rate, redeliver, final
        self.ledger = Ledger()
        self._next = count()
        self._again: queue.SimpleQueue[tuple[float, int]] = queue.SimpleQueue()
        self._left = len(bodies)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(connections)]

    def start(self) -> "Storm":
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    @property
    def is_over(self) -> bool:
        """Everything was posted, and with redelivery: answered 200."""
        return self._left <= 0

    def join(self, patience: float = 300) -> Ledger:
        """Waits for the end (or gives up after `patience`) and returns what was posted."""
        until = time.monotonic() + patience
        while not self.is_over and time.monotonic() < until:
            time.sleep(0.05)
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        return self.ledger

    def _work(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._stop.is_set() and not self.is_over:
            chosen = self._choose()
            if chosen is None:
                time.sleep(0.02)
                continue
            status, connection = self._post(chosen, connection)
            with self._lock:
                if status in self.final or not self.redeliver:
                    self._left -= 1
                else:
                    self._again.put((time.monotonic() + 0.5, chosen))

    def _choose(self) -> int | None:
        """What was refused comes first once its time has come; then the next of the plan, at its moment."""
        try:
            due, body = self._again.get_nowait()
        except queue.Empty:
            pass
        else:
            if due <= time.monotonic():
                return body
            self._again.put((due, body))
        with self._lock:
            number = next(self._next)
        if number >= len(self.bodies):
            return None
        time.sleep(max(0.0, self._began + number / self.rate - time.monotonic()))
        return number

    def _post(
        self, number: int, connection: http.client.HTTPConnection | None
    ) -> tuple[int, http.client.HTTPConnection | None]:
        body, at, began = self.bodies[number], time.time(), time.monotonic()
        connection = connection or http.client.HTTPConnection(self.host, timeout=20)
        try:
            connection.request("POST", self.path, body, signed(body, self.secret))
            answer = connection.getresponse()
            answer.read()
            status = answer.status
            if answer.will_close:
                connection.close()
                connection = None
        except (OSError, http.client.HTTPException):
            connection.close()
            status, connection = 0, None
        self.ledger.posts.append(Post(number, at, time.monotonic() - began, status))
        return status, connection


def signed(body: bytes, secret: str) -> dict[str, str]:
    """The headers LINE sends with these very bytes."""
    digest = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return {"Content-Type": "application/json; charset=utf-8", "X-Line-Signature": digest}


def body_of(*events: dict[str, Any]) -> bytes:
    return json.dumps({"destination": "U" + "0" * 32, "events": list(events)}).encode()


def event(kind: str, user_id: str, **more: Any) -> dict[str, Any]:
    """One event with an id of its own; the same body posted twice is LINE's redelivery of it."""
    n = next(numbers)
    return {
        "type": kind, "mode": "active", "timestamp": int(time.time() * 1000),
        "source": {"type": "user", "userId": user_id}, "webhookEventId": f"01TORTURE{time.time_ns():x}{n:09d}",
        "deliveryContext": {"isRedelivery": False}, **more,
    }  # fmt: skip


def follows(user_ids: Iterable[str]) -> list[bytes]:
    """A body per person: each becomes a friend, and must be welcomed once, which the receiver can count."""
    return [body_of(event("follow", user, follow={"isUnblocked": False})) for user in user_ids]


def texts(user_ids: Iterable[str], words: Callable[[int], str] = "Hello {}".format) -> list[bytes]:
    return [
        body_of(event("message", user, message={"id": f"9{n:017d}", "type": "text", "text": words(n)}))
        for n, user in enumerate(user_ids)
    ]
