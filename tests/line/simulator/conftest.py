"""One simulator for all these tests, emptied before each, and a small app for it to call."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from line.simulator.testing import Simulator
from tests.support import browser

PUSHED = {"type": "text", "text": "Your table is ready."}


@dataclass
class App:
    """What LINE's webhooks reach: keeps every body, answers with the next status (200 when none is set)."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for body in self.bodies for event in body["events"]]


class Line:
    """Calls the simulator as the product would call LINE."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def __call__(
        self, method: str, path: str, body: Any = None, key: str | None = None, **more: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.simulator.channel.access_token}", **more.pop("headers", {})}
        if key:
            headers["X-Line-Retry-Key"] = key
        more.setdefault("timeout", 5)
        return requests.request(method, self.simulator.base_url + path, json=body, headers=headers, **more)

    def push(self, to: str, *messages: dict[str, Any], key: str | None = None, **more: Any) -> requests.Response:
        return self("POST", "/v2/bot/message/push", {"to": to, "messages": list(messages or (PUSHED,))}, key, **more)

    def multicast(self, *to: str, key: str | None = None) -> requests.Response:
        return self("POST", "/v2/bot/message/multicast", {"to": list(to), "messages": [PUSHED]}, key)

    def reply(self, token: str, *messages: dict[str, Any], **more: Any) -> requests.Response:
        body = {"replyToken": token, "messages": list(messages or (PUSHED,))}
        return self("POST", "/v2/bot/message/reply", body, **more)


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator, app: App) -> Simulator:
    running.reset()
    running.switch(rate_limits=True, unknown_in_multicast="skip", verified_account=True, redelivery=True)
    running.webhook_url = app.url
    return running


@pytest.fixture
def line(simulator: Simulator) -> Line:
    return Line(simulator)


@pytest.fixture
def app() -> Iterator[App]:
    received = App()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            received.raw.append(raw)
            received.bodies.append(json.loads(raw))
            received.signatures.append(self.headers["X-Line-Signature"])
            self.send_response(received.statuses.pop(0) if received.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    received.url = f"http://127.0.0.1:{server.server_port}/webhook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield received
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Any:
    """A real browser, or a skip that says how to get one."""
    return browser.chromium()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A fresh browser tab; what its pages complain about is in `complaints`, and must be nothing."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(8000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert complaints == []
