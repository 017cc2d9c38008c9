"""What LINE counts: calls per second, people per month, one use per reply token, one acceptance per retry key."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

REPLY_WITHIN = 60.0  # of receiving the webhook
REPLY_AT_LATEST = 20 * 60.0  # of the event itself, however often it is redelivered
RETRY_KEY_LIFE = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket's size and how long it takes to fill."""

    calls: float
    seconds: float = 1.0


MOST = Rate(2000)
MULTICAST = Rate(200)
LOADING = Rate(100)
MENU_LIST = Rate(10)
MENU_CHANGE = Rate(100, 3600)
WEBHOOK_SETTING = Rate(1000, 60)


class Buckets:
    """One token bucket per endpoint, on machine time."""

    def __init__(self) -> None:
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, endpoint: str, rate: Rate) -> bool:
        """Whether one more call fits."""
        now = time.monotonic()
        level, then = self._levels.get(endpoint, (rate.calls, now))
        level = min(rate.calls, level + (now - then) * rate.calls / rate.seconds)
        fits = level >= 1.0
        self._levels[endpoint] = (level - 1.0 if fits else level, now)
        return fits


@dataclass(slots=True)
class Pace:
    """When an endpoint was called: how often in all, and how often in the worst second, wherever it begins."""

    calls: int = 0
    worst_second: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    _last_second: deque[float] = field(default_factory=deque)

    def note(self, now: float) -> None:
        """One more call."""
        self.first_at, self.last_at = (self.first_at if self.calls else now), now
        self.calls += 1
        self._last_second.append(now)
        while self._last_second[0] <= now - 1.0:
            self._last_second.popleft()
        self.worst_second = max(self.worst_second, len(self._last_second))

    def as_json(self) -> dict[str, float]:
        """Without the second under way; times are machine time's seconds, good for differences."""
        return {
            "calls": self.calls, "worst_second": self.worst_second, "first_at": self.first_at, "last_at": self.last_at,
        }  # fmt: skip


@dataclass
class Quota:
    """People reached this month against the plan; replies are free."""

    limit: int | None = None
    used: dict[str, int] = field(default_factory=dict)
    by_day: dict[tuple[str, str], int] = field(default_factory=dict)

    def fits(self, month: str, people: int) -> bool:
        """Whether so many more may be reached this month."""
        return self.limit is None or self.used.get(month, 0) + people <= self.limit

    def count(self, month: str, day: str, kind: str, people: int) -> None:
        """Remember who was reached; a reply shows in the day's figures only."""
        if kind != "reply":
            self.used[month] = self.used.get(month, 0) + people
        self.by_day[day, kind] = self.by_day.get((day, kind), 0) + people


@dataclass(slots=True)
class Accepted:
    """The first acceptance under a retry key."""

    at: float
    request_id: str
    sent_messages: list[dict[str, Any]] | None


class RetryKeys:
    """Remembers what was accepted under which key, and which body each key came with first."""

    def __init__(self) -> None:
        self._accepted: dict[str, Accepted] = {}
        self._bodies: dict[str, tuple[float, bytes]] = {}

    def accepted(self, key: str, now: float) -> Accepted | None:
        """The acceptance under this key, while LINE remembers it."""
        found = self._accepted.get(key)
        return found if found is not None and now - found.at < RETRY_KEY_LIFE else None

    def same_body(self, key: str, raw: bytes, now: float) -> bool:
        """Whether this key came with this very body before, or is new."""
        digest = hashlib.blake2b(raw, digest_size=16).digest()
        first = self._bodies.get(key)
        if first is None or now - first[0] >= RETRY_KEY_LIFE:
            self._bodies[key] = (now, digest)
            return True
        return first[1] == digest

    def accept(self, key: str, acceptance: Accepted) -> None:
        """Remember an acceptance."""
        self._accepted[key] = acceptance

    def dump(self, now: float) -> dict[str, list[Any]]:
        """For the state file: what LINE would still remember."""
        return {
            key: [kept.at, kept.request_id, kept.sent_messages]
            for key, kept in self._accepted.items()
            if now - kept.at < RETRY_KEY_LIFE
        }

    def load(self, rows: dict[str, list[Any]]) -> None:
        """From the state file."""
        self._accepted = {key: Accepted(*row) for key, row in rows.items()}


@dataclass(slots=True)
class ReplyToken:
    """What a reply token still allows."""

    user_id: str
    event_at: float
    received_at: float
    used: bool = False


class ReplyTokens:
    """Single use, one minute from receiving the webhook, never later than 20 minutes after the event."""

    def __init__(self) -> None:
        self._tokens: dict[str, ReplyToken] = {}

    def issue(self, user_id: str, now: float) -> str:
        """A new token for an event of this user."""
        token = secrets.token_hex(16)
        self._tokens[token] = ReplyToken(user_id, now, now)
        return token

    def received_again(self, token: str, now: float) -> None:
        """A redelivered webhook gives its token another minute."""
        if token in self._tokens:
            self._tokens[token].received_at = now

    def spend(self, token: object, now: float) -> str | None:
        """The user to reply to, or None when the token is unknown, used or too old."""
        found = self._tokens.get(token) if isinstance(token, str) else None
        if found is None or found.used:
            return None
        if now - found.received_at > REPLY_WITHIN or now - found.event_at > REPLY_AT_LATEST:
            return None
        found.used = True
        return found.user_id
