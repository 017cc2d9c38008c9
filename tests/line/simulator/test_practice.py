"""Time moves through the app, and the simulator follows."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from line.simulator.testing import Simulator, SimulatorRefused


class Travelling(BaseHTTPRequestHandler):
    """An app that moves time in two steps, and only for who signs."""

    secret = b""
    offset = 0
    target = 0

    def do_GET(self) -> None:
        kind = type(self)
        working = kind.offset < kind.target
        found = {"offset_seconds": kind.offset, "target_seconds": kind.target, "working": "day 1" if working else None}
        kind.offset = kind.target
        self._answer(200, found)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        wanted = base64.b64encode(hmac.new(self.secret, raw, hashlib.sha256).digest()).decode()
        if self.headers["X-Line-Signature"] != wanted:
            self._answer(403, {"detail": "not signed"})
            return
        type(self).target += json.loads(raw)["advance_seconds"]
        self._answer(200, {})

    def _answer(self, status: int, payload: dict[str, Any]) -> None:
        body = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def travelling(simulator: Simulator) -> Iterator[type[Travelling]]:
    handler = type("Fresh", (Travelling,), {"secret": simulator.channel.secret.encode(), "offset": 0, "target": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    before, webhook = simulator.public_url, str(simulator.webhook_url)
    simulator.public_url = f"http://127.0.0.1:{server.server_port}"
    yield handler
    simulator.public_url, simulator.webhook_url = before, webhook
    server.shutdown()
    server.server_close()


def test_the_simulator_arrives_where_the_app_does(simulator: Simulator, travelling: type[Travelling]) -> None:
    arrived = simulator.advance(days=30)
    assert arrived["offset_seconds"] == 30 * 86400
    now = datetime.fromisoformat(simulator.ask("GET", "state")["now"])
    assert timedelta(0) <= now - datetime.now(UTC) - timedelta(days=29, hours=23) < timedelta(hours=2)


def test_a_refusal_of_the_app_is_passed_on(simulator: Simulator, travelling: type[Travelling]) -> None:
    travelling.secret = b"another"
    with pytest.raises(SimulatorRefused, match="the app answered 403"):
        simulator.advance(days=1)


def test_tokens_follow_machine_time(simulator: Simulator) -> None:
    token = simulator.id_token(simulator.add_user())
    simulator.set_clock(90 * 86400)
    form = {"id_token": token, "client_id": simulator.channel.login_channel_id}
    assert requests.post(f"{simulator.base_url}/oauth2/v2.1/verify", data=form, timeout=5).status_code == 200
