"""A LINE for measuring: TLS, a fixed delay, and counts of everything, at a fraction of the simulator's cost.

It knows three addresses (push, multicast, the quota) and answers as LINE does: 429 for the request too many in
any sliding second, 409 for a retry key it has accepted. `GET /_counts` tells what it saw, `POST /_reset` forgets.

    python -m tests.benchmarks._line FOLDER [--delay 0.05] [--per-second 2000]
"""

import argparse
import asyncio
import contextlib
import gc
import ipaddress
import json
import os
import re
import ssl
import subprocess
import sys
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
ROOT = Path(__file__).parent.parent.parent
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
RETRY_KEY = re.compile(rb"\r\nx-line-retry-key: *([^\r]+)", re.IGNORECASE)
TO_ONE = re.compile(rb'"to": ?"([^"]+)"')
TOO_FAST = b'{"message":"The API rate limit has been exceeded. Try again later."}'
HAD_IT = b'{"message":"The retry key is already accepted"}'
SENT = b'{"sentMessages":[{"id":"610000000000000000","quoteToken":"q"}]}'


class Counts:
    """What was seen. Arrival is when the last byte of a request was read."""

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self.forget()

    def forget(self) -> None:
        self.deliveries: Counter[bytes] = Counter()
        self.accepted: set[bytes] = set()
        self.answers: Counter[int] = Counter()
        self.last_second: deque[float] = deque()
        self.worst_second = 0
        self.first_at = self.last_at = 0.0

    def answer(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        """What LINE would say to one request to send."""
        now = time.monotonic()
        self.first_at, self.last_at = self.first_at or now, now
        self.last_second.append(now)
        while self.last_second[0] <= now - 1:
            self.last_second.popleft()
        self.worst_second = max(self.worst_second, len(self.last_second))
        if len(self.last_second) > self.per_second:
            return 429, TOO_FAST
        found = RETRY_KEY.search(head)
        key = found[1] if found else uuid.uuid4().bytes
        if key in self.accepted:
            return 409, HAD_IT
        self.accepted.add(key)
        to = TO_ONE.search(body)
        self.deliveries.update([to[1]] if to else [user.encode() for user in json.loads(body)["to"]])
        return 200, SENT

    def as_json(self) -> dict[str, Any]:
        return {
            "people": len(self.deliveries), "doubles": sum(n - 1 for n in self.deliveries.values()),
            "answers": self.answers, "worst_second": self.worst_second, "seconds": self.last_at - self.first_at,
            "last_at": self.last_at,
        }  # fmt: skip


class Line(asyncio.Protocol):
    """One connection; requests come one after another."""

    def __init__(self, counts: Counts, delay: float) -> None:
        self.counts, self.delay = counts, delay
        self.loop = asyncio.get_running_loop()
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport  # uvloop's is no asyncio.Transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end]
        length = LENGTH.search(head)
        until = end + 4 + (int(length[1]) if length else 0)
        if len(self.buffer) < until:
            return
        body, self.buffer = self.buffer[end + 4 : until], self.buffer[until:]
        self.serve(head, body)

    def serve(self, head: bytes, body: bytes) -> None:
        if b"/message/push " in head or b"/message/multicast " in head:
            status, answer = self.counts.answer(head, body)
            self.counts.answers[status] += 1
            self.loop.call_later(self.delay, self.say, status, answer)
        elif b"/message/quota" in head:
            self.say(200, b'{"totalUsage":0}' if b"consumption" in head else b'{"type":"none"}')
        elif head.startswith(b"GET /_counts"):
            self.say(200, json.dumps(self.counts.as_json()).encode())
        elif head.startswith(b"POST /_reset"):
            self.counts.forget()
            self.say(200, b"{}")
        else:
            self.say(404, b"{}")

    def say(self, status: int, body: bytes) -> None:
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nx-line-request-id: {os.urandom(8).hex()}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


async def serve(folder: Path, delay: float, per_second: int) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "line.pem", folder / "line.key")
    counts = Counts(per_second)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Line(counts, delay), HOST, 0, ssl=tls, backlog=1024)
    gc.freeze()
    gc.disable()  # it keeps what it sees; looking through that would be a stall of the stub's own making
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def write_certificate(folder: Path) -> Path:
    """A certificate for this address, which is its own authority; put its path into SSL_CERT_FILE."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "LINE for measuring")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(2))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    (folder / "line.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "line.key").write_bytes(encoded)
    return folder / "line.pem"


class Stub:
    """The stub as a benchmark holds it."""

    def __init__(self, folder: Path, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self.certificate = process, folder / "line.pem"
        self.url = f"https://{HOST}:{port}"
        self._tls = ssl.create_default_context(cafile=str(self.certificate))

    def counts(self) -> dict[str, Any]:
        with urlopen(f"{self.url}/_counts", context=self._tls, timeout=30) as answer:
            return dict(json.load(answer))

    def reset(self) -> None:
        with urlopen(Request(f"{self.url}/_reset", method="POST"), context=self._tls, timeout=30) as answer:
            answer.read()


@contextlib.contextmanager
def line(folder: Path, *, delay: float = 0.05, per_second: int = 2000) -> Iterator[Stub]:
    """A stub in a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    write_certificate(folder)
    command = [sys.executable, "-m", "tests.benchmarks._line", str(folder)]
    command += ["--delay", str(delay), "--per-second", str(per_second)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Stub(folder, process, int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--per-second", type=int, default=2000)
    options = parser.parse_args()
    uvloop.run(serve(options.folder, options.delay, options.per_second))


if __name__ == "__main__":
    main()
