"""Raw JSON to LINE over pooled connections, and what an answer means: accepted, refused, or unclear."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self

import structlog

from line.client import LineAccess
from line.connections import Lost, Pool, Ready
from line.parsing import Reply
from models import tallies

log = structlog.get_logger()
ATTEMPT_SECONDS = 10.0
CONNECTIONS = 256  # at an endpoint: enough for every push LINE takes while it answers within an eighth of a second
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

    async def __aenter__(self) -> Self:
        self._pool = Pool(self.access.host, seconds=ATTEMPT_SECONDS)
        head = f" HTTP/1.1\r\nHost: {self._pool.host}\r\nAuthorization: Bearer {self.access.token}\r\n"
        self._posts = {
            endpoint: f"POST {self._pool.prefix}{path}{head}Content-Type: application/json\r\n".encode("latin-1")
            for endpoint, path in PATHS.items()
        }
        self._head = head.encode("latin-1")
        self._log = log.bind()  # once, not at every call
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.close()

    def send(
        self,
        endpoint: str,
        body: bytes,
        *,
        retry_key: str | None,
        done: Callable[[Answer], None],
        ready: Ready | None = None,
    ) -> None:
        """One attempt; `done` hears of it exactly once, whatever networks do. A new connection awaits `ready` first.

        Callbacks, and no task: at two thousand a second each task would cost as much as the request.
        """
        key = b"X-Line-Retry-Key: %s\r\n" % retry_key.encode() if retry_key else b""
        request = b"%s%sContent-Length: %d\r\n\r\n%s" % (self._posts[endpoint], key, len(body), body)
        self._pool.ask(request, partial(self._heard, endpoint, done, time.monotonic()), ready)

    async def get(self, path: str) -> Answer:
        """One question; `words` of the answer is the body."""
        heard: asyncio.Future[Reply | Lost] = asyncio.get_running_loop().create_future()
        request = b"GET %s%s\r\n" % ((self._pool.prefix + path).encode("latin-1"), self._head)
        began = time.monotonic()
        self._pool.ask(request, lambda outcome: None if heard.done() else heard.set_result(outcome))
        answer = _read(await heard, of_post=False)
        self._note("GET", path, answer, time.monotonic() - began)
        return answer

    def _heard(self, endpoint: str, done: Callable[[Answer], None], began: float, outcome: Reply | Lost) -> None:
        try:
            answer = _read(outcome, of_post=True)
        except Exception as error:
            # What nobody foresaw is taken for an unclear answer; the row goes on its careful way.
            self._log.exception("an answer could not be read")
            answer = Answer(None, type(error).__name__)
        self._note("POST", PATHS[endpoint], answer, time.monotonic() - began)
        labels = f'endpoint="{endpoint}",verdict="{answer.verdict}",status="{answer.status or "none"}"'
        tallies.count("regulars_line_answers", labels)
        if answer.verdict != "accepted":
            self._log.warning(
                "line answered", endpoint=endpoint, status=answer.status, words=answer.words[:200],
                request_id=answer.request_id, verdict=answer.verdict,
            )  # fmt: skip
        done(answer)

    def _note(self, method: str, path: str, answer: Answer, seconds: float) -> None:
        tallies.observe("regulars_line_seconds", seconds, f'call="{path.rsplit("/", 1)[-1]}"')
        self._log.debug(
            "called line", method=method, path=path, status=answer.status, request_id=answer.request_id,
            ms=round(seconds * 1000, 1),
        )  # fmt: skip


def _read(outcome: Reply | Lost, *, of_post: bool) -> Answer:
    """The status decides; a body that breaks off does not undo it."""
    if isinstance(outcome, Lost):
        return Answer(None, outcome.words, reached=outcome.reached)
    headers, status = outcome.headers, outcome.status
    named = headers.get(b"x-line-accepted-request-id") or headers.get(b"x-line-request-id")
    request_id = _storable(named.decode("latin-1"))[:64] if named else None
    is_lines = request_id is not None or _is_json_object(outcome.body)
    if of_post and status < 300:
        return Answer(status, "", request_id, is_lines=is_lines)
    text = outcome.body.decode("utf-8", "replace")
    return Answer(status, _words(text) if status >= 300 else text, request_id, is_lines=is_lines)


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
        return _storable("; ".join([str(found.get("message", "")), *details]))
    except (ValueError, AttributeError, TypeError):
        return _storable(text[:200])


def _storable(text: str) -> str:
    """Without what no database column takes: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
