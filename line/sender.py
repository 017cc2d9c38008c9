"""The one reader of the outbox: claims what is due, sends it within LINE's rates, writes down what became of it.

One asyncio loop does HTTP and nothing else. Claiming and recording are plain functions run in one
thread beside it; no session crosses an await, no transaction is open while LINE is waited for (I10).
"""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from line import chunks, closing, letters, quota
from line.client import LineAccess
from line.transport import Answer, Transport
from models.clock import Clock
from models.session import Sessions

log = structlog.get_logger()
IDLE_SECONDS = 0.15
LETTERS_IN_HAND = 400
CHUNKS_IN_HAND = 32
PUSHES_AT_ONCE = 100  # of one chunk
RECHECK_SECONDS = 15.0  # how often a stopped channel is asked about again
ASK_SECONDS = 3600.0  # how often what is left of the month is asked, so that a dry run can say
LONGEST_PAUSE = 300.0
T = TypeVar("T")


def pause_after(attempts: int) -> float:
    """Seconds to wait before the next attempt: doubling, with jitter, five minutes at most."""
    return random.uniform(0.5, 1.0) * min(LONGEST_PAUSE, 2.0 ** min(attempts, 10))


class Sender:
    """Sends what the outbox and the campaigns hold. `run` until told to stop; `drain` what is due now, for tests."""

    def __init__(self, sessions: Sessions, clock: Clock, access: LineAccess) -> None:
        self.sessions, self.clock, self.access = sessions, clock, access
        self._letters: list[letters.Result] = []
        self._chunks: list[closing.ChunkResult] = []
        self._rechecked = 0.0
        self._asked: float | None = None
        self._done = 0
        self._in_hand = Counter[str]()

    def run(self, stop: threading.Event) -> None:
        asyncio.run(self._work(lambda: not stop.is_set(), until_quiet=False))

    def drain(self) -> int:
        """Sends everything due now and returns how much was settled; what must wait longer is left."""
        self._done, self._rechecked = 0, 0.0
        work = self._work(lambda: True, until_quiet=True)
        with ThreadPoolExecutor(1) as own:  # the caller's thread may have an event loop of its own
            own.submit(asyncio.run, work).result()
        return self._done

    async def _work(self, goes_on: Callable[[], bool], *, until_quiet: bool) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="sender-desk") as desk:
            async with Transport(self.access) as line:
                await self._turns(line, desk, goes_on, until_quiet=until_quiet)

    async def _turns(
        self, line: Transport, desk: ThreadPoolExecutor, goes_on: Callable[[], bool], *, until_quiet: bool
    ) -> None:
        in_flight: set[asyncio.Task[None]] = set()
        while True:
            recorded = await self._aside(desk, self._record)
            begun = await self._begin(line, desk) if goes_on() else []
            in_flight |= {asyncio.ensure_future(each) for each in begun}
            if not in_flight and not self._letters and not self._chunks:
                if not goes_on() or (until_quiet and not recorded):
                    return
                if not recorded:
                    await asyncio.sleep(0 if until_quiet else IDLE_SECONDS)
            elif in_flight:
                await asyncio.wait(in_flight, timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(0.01)  # those that come back together are recorded together
            in_flight = {task for task in in_flight if not task.done()}

    async def _aside(self, desk: ThreadPoolExecutor, work: Callable[[], T]) -> T | None:
        """Runs database work in the desk's thread. A database that is away is waited for, not died of."""
        try:
            return await asyncio.get_running_loop().run_in_executor(desk, work)
        except SQLAlchemyError as error:
            log.error("database trouble", error=str(error)[:300])
            await asyncio.sleep(1)
            return None

    def _record(self) -> int:
        """Writes down what has come back; results leave our hands only once that is committed."""
        some_letters, some_chunks = list(self._letters), list(self._chunks)
        if some_letters:
            self._done += letters.record(self.sessions, self.clock, some_letters)
            del self._letters[: len(some_letters)]
        if some_chunks:
            self._done += closing.record(self.sessions, self.clock, some_chunks)
            del self._chunks[: len(some_chunks)]
        return len(some_letters) + len(some_chunks)

    async def _begin(self, line: Transport, desk: ThreadPoolExecutor) -> list[Awaitable[None]]:
        """Claims what there is room for; each piece of work is still to be awaited."""
        if time.monotonic() - self._rechecked > RECHECK_SECONDS:
            self._rechecked = time.monotonic()
            await self._recheck(line, desk)
        begun: list[Awaitable[None]] = []
        if self._asked is None or time.monotonic() - self._asked > ASK_SECONDS:
            self._asked = time.monotonic()
            begun.append(self._ask(line, desk))  # nothing waits for the answer
        if (space := LETTERS_IN_HAND - self._in_hand["letters"]) > LETTERS_IN_HAND // 4:
            at = time.monotonic()
            claimed = await self._aside(desk, lambda: letters.claim(self.sessions, self.clock, limit=space))
            mine, settled = claimed or ([], 0)
            self._done += settled
            begun += [self._deliver(line, letter, at) for letter in mine]
        if (space := CHUNKS_IN_HAND - self._in_hand["chunks"]) > 0:
            at = time.monotonic()
            taken = await self._aside(desk, lambda: chunks.claim(self.sessions, self.clock, limit=space))
            begun += [self._deliver_chunk(line, chunk, at) for chunk in taken or ()]
        return begun

    async def _recheck(self, line: Transport, desk: ThreadPoolExecutor) -> None:
        """Asks LINE whether a channel that was stopped may speak again."""
        if await self._aside(desk, lambda: quota.stopped_reason(self.sessions)):
            self._asked = time.monotonic()
            await self._ask(line, desk)

    async def _ask(self, line: Transport, desk: ThreadPoolExecutor) -> None:
        """Keeps what LINE says of the month's allowance."""
        allowance = await quota.ask(line)
        await self._aside(desk, lambda: quota.note(self.sessions, allowance))

    async def _deliver(self, line: Transport, letter: letters.Letter, claimed_at: float) -> None:
        self._in_hand["letters"] += 1
        answer = await self._attempt(line, letter.endpoint, letter.body, letter.retry_key, letter.wait, claimed_at)
        self._in_hand["letters"] -= 1
        self._letters.append(letters.Result(letter, answer, pause=_pause(answer, letter.attempts)))

    async def _deliver_chunk(self, line: Transport, chunk: chunks.Chunk, claimed_at: float) -> None:
        gate = asyncio.Semaphore(PUSHES_AT_ONCE)

        async def one(request: chunks.Request) -> Answer | None:
            async with gate:
                return await self._attempt(
                    line, chunk.endpoint, request.body, request.retry_key, request.wait, claimed_at
                )

        self._in_hand["chunks"] += 1
        answers = list(await asyncio.gather(*(one(request) for request in chunk.requests)))
        self._in_hand["chunks"] -= 1
        pause = max((_pause(answer, chunk.attempts) for answer in answers), default=0.0)
        self._chunks.append(closing.ChunkResult(chunk, answers, pause))

    async def _attempt(
        self, line: Transport, endpoint: str, body: bytes, retry_key: str | None, wait: float, claimed_at: float
    ) -> Answer | None:
        """One request at its moment; None when its lease would run out before an answer could come."""
        await asyncio.sleep(max(0.0, claimed_at + wait - time.monotonic()))
        if time.monotonic() - claimed_at > letters.START_WITHIN:
            return None
        try:
            return await line.send(endpoint, body, retry_key=retry_key)
        except Exception as error:
            # What nobody foresaw is taken for an unclear answer; the row goes on its careful way.
            log.exception("sending went wrong")
            return Answer(None, type(error).__name__)


def _pause(answer: Answer | None, attempts: int) -> float:
    if answer is None or answer.verdict in {"accepted", "refused"}:
        return 0.0
    if answer.verdict in {"limited", "out_of_quota", "locked_out"}:
        return random.uniform(1.0, 2.0)
    return pause_after(attempts - 1)
