"""Raw JSON to LINE over pooled connections, and what an answer means: accepted, refused, or unclear."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp
import structlog
from yarl import URL

from line.client import LineAccess
from models import tallies

log = structlog.get_logger()
ATTEMPT_SECONDS = 10.0
CONNECT_SECONDS = 3.0
CONNECTIONS = 256  # enough for every push LINE takes while it answers within an eighth of a second
INSTANT = 0.005  # a connection had sooner was there already
PATHS = {
    "push": "/v2/bot/message/push",
    "multicast": "/v2/bot/message/multicast",
    "reply": "/v2/bot/message/reply",
}

# accepted      LINE has it (409: had it already)
# refused       LINE certainly does not want it
# limited       too fast; nothing was accepted
# out_of_quota  the month's messages are used up; nothing was accepted
# locked_out    the token is not good any more; nothing was accepted
# unreached     no connection; nothing was accepted
# unclear       it may or may not have been accepted
Verdict = Literal["accepted", "refused", "limited", "out_of_quota", "locked_out", "unreached", "unclear"]


# What the request under way in this task awaits before it uses a new connection.
CONNECTED: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("connected", default=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is None when nothing did; `reached` is False when nothing got there either.

    Every answer of LINE's has a request id. Without one, and without JSON for a body (`is_lines` False), a success
    or a refusal is some proxy's page and says nothing.
    """

    status: int | None
    words: str = ""
    request_id: str | None = None
    reached: bool = True
    is_lines: bool = True

    @property
    def verdict(self) -> Verdict:
        if self.status is None:
            return "unclear" if self.reached else "unreached"
        if self.status == 409 or (200 <= self.status < 300 and self.is_lines):
            return "accepted"
        if self.status == 429:
            return "out_of_quota" if "monthly limit" in self.words else "limited"
        if self.status == 401:
            return "locked_out"
        return "refused" if 400 <= self.status < 500 and self.status != 408 and self.is_lines else "unclear"


def encode(body: dict[str, Any]) -> bytes:
    """The same bytes for the same body, whatever order a database keeps its keys in."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Transport:
    """One pool of connections to LINE, open for as long as the sender runs."""

    def __init__(self, access: LineAccess) -> None:
        self.access = access
        self._http: aiohttp.ClientSession | None = None
        self._urls = {endpoint: URL(access.host + path) for endpoint, path in PATHS.items()}

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            connector=_Connector(limit=CONNECTIONS),
            headers={"Authorization": f"Bearer {self.access.token}", "Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=ATTEMPT_SECONDS, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def send(
        self,
        endpoint: str,
        body: bytes,
        *,
        retry_key: str | None,
        connected: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:
        """One attempt. Never raises for what networks do. A new connection awaits `connected` before it is used."""
        headers = {"X-Line-Retry-Key": retry_key} if retry_key else None
        CONNECTED.set(connected)
        answer = await self._ask("POST", self._urls[endpoint], data=body, headers=headers)
        labels = f'endpoint="{endpoint}",verdict="{answer.verdict}",status="{answer.status or "none"}"'
        tallies.count("regulars_line_answers", labels)
        if answer.verdict != "accepted":
            log.warning(
                "line answered", endpoint=endpoint, status=answer.status, words=answer.words[:200],
                request_id=answer.request_id, verdict=answer.verdict,
            )  # fmt: skip
        return answer

    async def get(self, path: str) -> Answer:
        """One question; `words` of the answer is the body."""
        return await self._ask("GET", URL(self.access.host + path))

    async def _ask(self, method: str, url: URL, **options: Any) -> Answer:
        assert self._http is not None
        began = time.monotonic()
        try:
            async with self._http.request(method, url, allow_redirects=False, **options) as response:
                answer = await _read(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            answer = Answer(None, str(error) or "no connection", reached=False)
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            answer = Answer(None, str(error) or type(error).__name__)
        seconds = time.monotonic() - began
        tallies.observe("regulars_line_seconds", seconds, f'call="{url.path.rsplit("/", 1)[-1]}"')
        log.debug(
            "called line", method=method, path=url.path, status=answer.status, request_id=answer.request_id,
            ms=round(seconds * 1000, 1),
        )  # fmt: skip
        return answer


class _Connector(aiohttp.TCPConnector):
    """A handshake takes its time: whoever asked for it may want to wait before speaking."""

    async def connect(self, *arguments: Any, **options: Any) -> Any:
        began = time.monotonic()
        connection = await super().connect(*arguments, **options)
        connected = CONNECTED.get()
        if connected is not None and time.monotonic() - began > INSTANT:
            try:
                await connected()
            except BaseException:
                connection.close()
                raise
        return connection


async def _read(response: aiohttp.ClientResponse) -> Answer:
    """The status decides; a body that breaks off does not undo it."""
    headers = response.headers
    request_id = headers.get("x-line-accepted-request-id") or headers.get("x-line-request-id")
    try:
        body = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        body = b""
    is_lines = request_id is not None or _is_json_object(body)
    if response.method == "POST" and response.status < 300:
        return Answer(response.status, "", request_id, is_lines=is_lines)
    text = body.decode("utf-8", "replace")
    return Answer(response.status, _words(text) if response.status >= 300 else text, request_id, is_lines=is_lines)


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _words(text: str) -> str:
    """LINE's message and what it says of each property; whatever stands there when it is not LINE's JSON."""
    try:
        found = json.loads(text)
        details = [f"{each.get('property', '')}: {each.get('message', '')}" for each in found.get("details") or ()]
        return "; ".join([str(found.get("message", "")), *details])
    except (ValueError, AttributeError):
        return text[:200]
