"""The simulator as tests hold it: `Simulator` runs one in a thread, `Control` talks to any over HTTP.

    with Simulator() as line:
        user = line.add_user(name="Mei", language="zh-Hant")
        line.webhook_url = "http://127.0.0.1:5000/webhook"
        line.follow(user)
        line.tap(user, "Book")
        assert line.received(user)[-1]["type"] == "flex"
        assert line.violations() == []

Every act returns after the app has answered the webhook.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from line.simulator.running import Running
from line.simulator.world import Channel, World

Json = dict[str, Any]


class SimulatorRefused(AssertionError):
    """The simulator could not do what the test asked."""


class Control:
    """A simulator's control addresses as methods."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._webhook_url: str | None = None

    # people

    def add_user(self, name: str = "Mei", language: str = "zh-Hant", following: bool = False, **more: Any) -> str:
        """Make someone known to LINE; returns their user id."""
        row = {"name": name, "language": language, "following": following, **more}
        return str(self.ask("POST", "users", row)[0])

    def add_users(self, rows: Iterable[Json]) -> list[str]:
        """Make many known at once."""
        return list(self.ask("POST", "users", list(rows)))

    def set_state(self, user: str, state: str) -> None:
        """Make someone friend, blocked, stranger or deleted without any webhook."""
        self.ask("POST", f"users/{user}/state", {"state": state})

    def user(self, user: str) -> Json:
        """Name, state and deliveries of one person."""
        return dict(self.ask("GET", f"users/{user}"))

    # what they do

    def follow(self, user: str) -> Json:
        """Add the account, or unblock it."""
        return self._act(user, "follow")

    def unfollow(self, user: str) -> Json:
        """Block the account."""
        return self._act(user, "block")

    def say(self, user: str, text: str) -> Json:
        """Write to the account."""
        return self._act(user, "say", text=text)

    def postback(self, user: str, data: str, params: Json | None = None) -> Json:
        """Press something that carries this data."""
        return self._act(user, "postback", data=data, params=params)

    def unsend(self, user: str, message_id: str | None = None) -> Json:
        """Take back the last message, or the one named."""
        return self._act(user, "unsend", message_id=message_id)

    def tap(self, user: str, label_or_action: str | Json, picked: str | None = None) -> Json:
        """Tap what is on the screen: quick reply, newest message's button, menu area. `opens` says which page opens."""
        key = "label" if isinstance(label_or_action, str) else "action"
        return self._act(user, "tap", **{key: label_or_action, "picked": picked})

    def send_events(self, *events: Json) -> Json:
        """Post these very events, signed."""
        return dict(self.ask("POST", "webhooks", {"events": list(events)}))

    def send_raw(self, body: str, signature: str | None = None) -> Json:
        """Post this very body; signed well unless a signature is given."""
        return dict(self.ask("POST", "webhooks", {"raw": body, "signature": signature}))

    def settle(self) -> None:
        """Wait until every webhook held back or to be redelivered has gone out."""
        self.ask("POST", "webhooks/settle")

    # what they see

    def received(self, user: str) -> list[Json]:
        """Messages the account has sent to this person, oldest first, replies included."""
        lines = self.ask("GET", f"users/{user}/chat?last=1000")["lines"]
        return [line["message"] for line in lines if line["by"] == "account"]

    def chat(self, user: str) -> list[Json]:
        """The whole chat: each line with `by` (account, user), `via` (push, multicast, reply) and `message`."""
        return list(self.ask("GET", f"users/{user}/chat?last=1000")["lines"])

    def menu(self, user: str) -> Json | None:
        """The rich menu on this person's screen."""
        return self.ask("GET", f"users/{user}/chat")["menu"]  # type: ignore[no-any-return]  # JSON

    def texts(self, to: str | None = None) -> list[Json]:
        """Text messages (one-time codes) sent to this phone number, or to any."""
        return [text for text in self.ask("GET", "sms") if to in (None, text["to"])]

    # signing in

    def id_token(self, user: str, expires_in: int = 3600, nonce: str | None = None) -> str:
        """An ID token as LIFF gets it; a negative life makes an expired one."""
        query = {"expires_in": expires_in} | ({"nonce": nonce} if nonce else {})
        return str(self.ask("GET", f"users/{user}/tokens?{urlencode(query)}")["id_token"])

    def access_token(self, user: str) -> str:
        """A user access token."""
        return str(self.ask("GET", f"users/{user}/tokens")["access_token"])

    def liff_url(self, user: str, path: str = "") -> str:
        """The mini-app's address as this person's browser would open it; `path` as after liff.line.me/{liffId}."""
        endpoint = self.ask("GET", "state")["channel"]["app"].rstrip("/") + "/liff/"
        state = f"&liff.state={quote(path, safe='')}" if path else ""
        return f"{endpoint}?sim_user={user}{state}"

    # what the account did

    def requests(self, endpoint: str | None = None) -> list[Json]:
        """The log: endpoint, status, retry_key, to, messages, at, fault, message; oldest first."""
        return list(self.ask("GET", "requests" + (f"?endpoint={endpoint}" if endpoint else "")))

    def deliveries(self) -> dict[str, int]:
        """Accepted deliveries per person, each retry key (or request) once; replies count too."""
        return dict(self.ask("GET", "deliveries"))

    def pace(self, endpoint: str) -> Json:
        """How often an endpoint was called (`calls`), in the worst sliding second too (`worst_second`), and when."""
        none = {"calls": 0, "worst_second": 0, "first_at": 0.0, "last_at": 0.0}
        return dict(self.ask("GET", "pace").get(endpoint, none))

    def violations(self) -> list[Json]:
        """Requests that broke LINE's contract; a test of ours wants none."""
        return list(self.ask("GET", "violations"))

    def webhooks(self) -> list[Json]:
        """What became of each webhook: status, milliseconds, events, redelivery, slow."""
        return list(self.ask("GET", "webhooks"))

    # what goes wrong

    def faults(self, kind: str, endpoint: str = "*", **options: Any) -> None:
        """Turn a fault on: `times`, `rate` (0 to 1), `seconds`; endpoint `webhook` for LINE's calls to the app."""
        self.ask("POST", "faults", {"kind": kind, "endpoint": endpoint, **options})

    def no_faults(self) -> None:
        """Turn all faults off."""
        self.ask("DELETE", "faults")

    def switch(self, **switches: Any) -> None:
        """Set one of `world.Switches`: unknown_in_multicast ("skip", "refuse"), rate_limits, redelivery and so on."""
        self.ask("POST", "switches", switches)

    def set_quota(self, limit: int | None, used: int = 0) -> None:
        """The month's allowance and what is used of it."""
        self.ask("POST", "quota", {"limit": limit, "used": used})

    def set_clock(self, offset_seconds: float) -> None:
        """Set business time without asking the app."""
        self.ask("POST", "clock", {"offset_seconds": offset_seconds})

    def advance(self, days: float = 0, hours: float = 0, patience: float = 600) -> Json:
        """Ask the app to go forward in time, and wait until it has arrived."""
        self.ask("POST", "time", {"seconds": int(days * 86400 + hours * 3600)})
        until = time.monotonic() + patience
        while time.monotonic() < until:
            found = dict(self.ask("GET", "time"))
            if not found.get("working") and found.get("offset_seconds") == found.get("target_seconds"):
                return found
            time.sleep(0.1)
        raise SimulatorRefused("the app did not arrive in time")

    def reset(self) -> None:
        """Forget people, menus, logs, limits, faults; the webhook address and the switches stay."""
        self.ask("POST", "reset")

    @property
    def webhook_url(self) -> str | None:
        """Where webhooks go."""
        return self._webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self._webhook_url = str(self.ask("POST", "webhook_url", {"url": url})["url"])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One control request."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.base_url}/_sim/{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise SimulatorRefused(error.read().decode()) from error

    def _act(self, user: str, act: str, **body: Any) -> Json:
        return dict(self.ask("POST", f"users/{user}/{act}", body))


class Simulator(Control):
    """A simulator in a thread of this process, on a free port."""

    def __init__(self, *, public_url: str | None = None, **channel: str) -> None:
        super().__init__("")
        known = Channel(**channel)
        self.world = World(channel=replace(known, public_url=public_url) if public_url else known)
        self._loop = asyncio.new_event_loop()
        self._running = Running(self.world)
        self._thread = threading.Thread(target=self._loop.run_forever, name="line-simulator", daemon=True)

    @property
    def channel(self) -> Channel:
        """The account it plays: secret, access token, ids; put them into the app's settings."""
        return self.world.channel

    @property
    def public_url(self) -> str:
        """The app's address; setting it moves webhooks and mini-app links there."""
        return self.world.channel.public_url

    @public_url.setter
    def public_url(self, url: str) -> None:
        self.world.channel = replace(self.world.channel, public_url=url.rstrip("/"))
        self.webhook_url = self.world.channel.public_url + "/webhook"

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._running.start)
        self.base_url = self._running.base_url
        self._webhook_url = self._running.webhooks.url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._running.stop)
        self._run(_hang_up)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, work: Callable[[], Any]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(30)


async def _hang_up() -> None:
    """End what still runs: pages left open keep listening for changes."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
