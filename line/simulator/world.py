"""Everything the simulator remembers, and the small rules that belong to no single endpoint."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import uuid
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from line.simulator.answers import Problem
from line.simulator.clock import Clock
from line.simulator.faults import Faults
from line.simulator.limits import Buckets, Pace, Quota, ReplyTokens, RetryKeys
from line.simulator.menus import Menus
from line.simulator.people import Line, People, Speaker, User

KEPT_REQUESTS = 100_000
FIRST_ID = 610_000_000_000_000_000  # beyond 2**53, as LINE's are


@dataclass(frozen=True)
class Channel:
    """The LINE account and mini-app that the simulator plays."""

    secret: str = "practice-channel-secret"
    access_token: str = "practice-access-token"
    login_channel_id: str = "1234567890"
    liff_id: str = "1234567890-AbcdEfgh"
    public_url: str = "http://127.0.0.1:8000"
    name: str = "Regulars practice account"

    @property
    def bot_user_id(self) -> str:
        """The account's own user id: `destination` in webhooks."""
        return "U" + hashlib.sha256(f"bot {self.secret}".encode()).hexdigest()[:32]

    @property
    def liff_endpoint(self) -> str:
        """The address behind the mini-app's link."""
        return self.public_url.rstrip("/") + "/liff/"


@dataclass
class Switches:
    """What LINE leaves open or an account decides."""

    unknown_in_multicast: str = "skip"  # or "refuse": LINE's own pages disagree
    rate_limits: bool = True
    openapi: bool = True
    verified_account: bool = True  # only verified accounts may list followers
    redelivery: bool = True
    keep_chats: bool = True


@dataclass(slots=True)
class Record:
    """One request that came in, as the log shows it."""

    request_id: str
    at: str
    endpoint: str
    method: str
    path: str
    status: int
    retry_key: str | None
    to: tuple[str, ...]
    messages: int
    milliseconds: float
    fault: str = ""
    message: str = ""


@dataclass(slots=True)
class Violation:
    """A request that broke LINE's contract."""

    at: str
    endpoint: str
    request_id: str
    text: str


@dataclass
class World:
    """One account, its people, and what has passed between them."""

    channel: Channel = field(default_factory=Channel)
    clock: Clock = field(default_factory=Clock)
    people: People = field(default_factory=People)
    switches: Switches = field(default_factory=Switches)
    menus: Menus = field(default_factory=Menus)
    faults: Faults = field(default_factory=Faults)
    quota: Quota = field(default_factory=Quota)
    buckets: Buckets = field(default_factory=Buckets)
    paces: defaultdict[str, Pace] = field(default_factory=lambda: defaultdict(Pace))
    retry_keys: RetryKeys = field(default_factory=RetryKeys)
    reply_tokens: ReplyTokens = field(default_factory=ReplyTokens)
    requests: deque[Record] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    violations: list[Violation] = field(default_factory=list)
    units: set[tuple[str, str]] = field(default_factory=set)
    revoked_tokens: set[str] = field(default_factory=set)
    expired_tokens: set[str] = field(default_factory=set)
    webhook_log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=1000))
    watchers: list[Callable[[str], None]] = field(default_factory=list)
    practice_time: dict[str, Any] = field(default_factory=dict)
    texts: list[dict[str, str]] = field(default_factory=list)
    refuse_for: Callable[[float], None] = lambda seconds: None  # the server, once it runs, closes its door for so long
    user_sends: Callable[[User, dict[str, Any]], Awaitable[None]] | None = None  # set by the server
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(FIRST_ID + secrets.randbelow(10**15)))

    def next_id(self) -> str:
        """A message id: a decimal string beyond what a float can hold."""
        return str(next(self._ids))

    def say(self, user: User, by: Speaker, message: dict[str, Any], *, via: str = "", request_id: str = "") -> Line:
        """Put a line into a chat and tell whoever watches."""
        line = Line(self.next_id(), by, self.clock.now().isoformat(), message, via, request_id)
        if self.switches.keep_chats:
            user.add(line)
        self.changed(user.user_id)
        return line

    def changed(self, topic: str) -> None:
        """Tell the open pages that a chat, or something else they show, is no longer as they know it."""
        for watcher in self.watchers:
            watcher(topic)

    def breach(self, endpoint: str, request_id: str, text: str) -> None:
        """Record a contract violation."""
        self.violations.append(Violation(self.clock.now().isoformat(), endpoint, request_id, text))
        self.changed("requests")

    def breaches(self, endpoint: str, request_id: str, problems: list[Problem]) -> None:
        """Record several."""
        for problem in problems:
            self.breach(endpoint, request_id, f"{problem.where}: {problem.message}")

    def forget(self) -> None:
        """Back to an empty account: people, menus, logs, limits and faults; the channel and the switches stay."""
        fresh = World(channel=self.channel)
        limits = ("quota", "buckets", "paces", "retry_keys", "reply_tokens")
        for name in ("people", "menus", "faults", "requests", *limits):
            setattr(self, name, getattr(fresh, name))
        for name in ("violations", "units", "revoked_tokens", "expired_tokens", "webhook_log", "texts"):
            getattr(self, name).clear()
        self.clock.offset_seconds = 0.0
        self.practice_time = {}


def new_request_id() -> str:
    """A fresh x-line-request-id."""
    return str(uuid.uuid4())
