"""The one reader of the outbox: claims what is due, sends it within LINE's rates, writes down what became of it.

One asyncio loop does HTTP and nothing else. Claiming and recording are plain functions run in one
thread beside it; no session crosses an await, no transaction is open while LINE is waited for (I10).
"""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import DataError, SQLAlchemyError

from line import chunks, closing, letters, quota
from line.client import LineAccess
from line.hand import Hand
from line.pacing import Errand, Gate
from line.transport import Answer, Transport
from line.watching import Watch
from models.clock import Clock
from models.session import Sessions
from models.wake import Rest

log = structlog.get_logger()
TURN_SECONDS = 0.2  # what comes back within it is written down together
LETTERS_IN_HAND = 1200
CHUNKS_IN_HAND = 256
ENOUGH_IN_HAND = 1500  # requests: with so many waiting, more would only miss their moments
RECHECK_SECONDS = 15.0  # how often a stopped channel is asked about again
ASK_SECONDS = 3600.0  # how often what is left of the month is asked, so that a dry run can say
LONGEST_PAUSE = 300.0
T = TypeVar("T")


def pause_after(attempts: int) -> float:
    """Seconds to wait before the next attempt: doubling, with jitter, five minutes at most."""
    return random.uniform(0.5, 1.0) * min(LONGEST_PAUSE, 2.0 ** min(attempts, 10))


def run_in_loop(work: Coroutine[Any, Any, None]) -> None:
    """Runs it in an event loop of its own: the faster kind where the machine has it."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


class Sender:
    """Sends what the outbox and the campaigns hold. `run` until told to stop; `drain` what is due now, for tests.

    `wake`, from any thread, ends an idle wait at once.
    """

    def __init__(self, sessions: Sessions, clock: Clock, access: LineAccess) -> None:
        self.sessions, self.clock, self.access = sessions, clock, access
        self._letters: list[letters.Result] = []
        self._chunks: list[closing.ChunkResult] = []
        self._watch = Watch(sessions)
        self._rechecked = 0.0
        self._asked: float | None = None
        self._asking: asyncio.Task[quota.Allowance] | None = None
        self._done = 0
        self._in_hand = Counter[str]()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stirred = asyncio.Event()
        self._idle = Rest(sessions.bells)

    def run(self, stop: threading.Event) -> None:
        run_in_loop(self._work(lambda: not stop.is_set(), until_quiet=False))

    def drain(self) -> int:
        """Sends everything due now and returns how much was settled; what must wait longer is left."""
        self._done, self._rechecked = 0, 0.0
        work = self._work(lambda: True, until_quiet=True)
        with ThreadPoolExecutor(1) as own:  # the caller's thread may have an event loop of its own
            own.submit(run_in_loop, work).result()
        return self._done

    def wake(self) -> None:
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._stirred.set)
            except RuntimeError:  # the loop has just ended: nothing waits any more
                return

    async def _work(self, goes_on: Callable[[], bool], *, until_quiet: bool) -> None:
        self._loop, self._stirred = asyncio.get_running_loop(), asyncio.Event()
        self._asking = None
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="sender-desk") as desk:
                async with Transport(self.access) as line, Hand(partial(self._attempt, line), self._watch) as hand:
                    await self._turns(line, hand, desk, goes_on, until_quiet=until_quiet)
        finally:
            self._loop = None

    async def _turns(
        self, line: Transport, hand: Hand, desk: ThreadPoolExecutor, goes_on: Callable[[], bool], *, until_quiet: bool
    ) -> None:
        while True:
            recorded = await self._aside(desk, self._record)
            self._stirred.clear()
            if goes_on():
                await self._begin(line, hand, desk)
            else:
                hand.give_back()
            if not hand.count and not self._letters and not self._chunks:
                if not goes_on() or (until_quiet and not recorded and self._asking is None):
                    return
                if not recorded:
                    await self._rest(TURN_SECONDS if until_quiet else self._idle.after(found=False))
            else:
                self._idle.after(found=True)
                await hand.until_empty(TURN_SECONDS)

    async def _rest(self, seconds: float) -> None:
        """Until something stirs, or so long."""
        try:
            await asyncio.wait_for(self._stirred.wait(), seconds)
        except TimeoutError:
            return

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
            self._done += self._write_down(letters.record, some_letters)
            del self._letters[: len(some_letters)]
        if some_chunks:
            self._done += self._write_down(closing.record, some_chunks)
            del self._chunks[: len(some_chunks)]
        return len(some_letters) + len(some_chunks)

    def _write_down(self, record: Callable[[Sessions, Clock, list[T]], int], results: list[T]) -> int:
        """All together; one by one when the database cannot hold what one of them says."""
        try:
            return record(self.sessions, self.clock, results)
        except (DataError, UnicodeError):
            if len(results) > 1:
                return sum(self._write_down(record, [each]) for each in results)
            # Its lease runs out, and it is asked for again with the same key.
            log.exception("a result could not be written down")
            return 0

    async def _begin(self, line: Transport, hand: Hand, desk: ThreadPoolExecutor) -> None:
        """Claims what there is room for, and puts it in hand."""
        await self._ask_now_and_then(line, desk)
        await self._aside(desk, self._watch.look)
        if (space := LETTERS_IN_HAND - self._in_hand["letters"]) > LETTERS_IN_HAND // 4:
            at = time.monotonic()
            claimed = await self._aside(desk, lambda: letters.claim(self.sessions, self.clock, limit=space))
            mine, settled = claimed or ([], 0)
            self._done += settled
            hand.take(self._errand(letter, at) for letter in mine)
        if (space := CHUNKS_IN_HAND - self._in_hand["chunks"]) > 0 and hand.count < ENOUGH_IN_HAND:
            at = time.monotonic()
            taken = await self._aside(desk, lambda: chunks.claim(self.sessions, self.clock, limit=space))
            for chunk in taken or ():
                hand.take(self._errands(chunk, at))

    async def _ask_now_and_then(self, line: Transport, desk: ThreadPoolExecutor) -> None:
        """What is left of the month, hourly; sooner while something waits for it."""
        if self._asking is not None:
            if not self._asking.done():
                return
            allowance, self._asking = self._asking.result(), None
            await self._aside(desk, lambda: quota.note(self.sessions, self.clock, allowance))
        now = time.monotonic()
        is_due = self._asked is None or now - self._asked > ASK_SECONDS
        if now - self._rechecked > RECHECK_SECONDS:
            self._rechecked = now
            waits = await self._aside(desk, lambda: quota.is_waited_for(self.sessions, self.clock))
            is_due = is_due or bool(waits)
        if is_due:
            self._asked = now
            # A question of its own: LINE may take its time, and what is due goes on meanwhile.
            self._asking = asyncio.create_task(quota.ask(line))
            self._asking.add_done_callback(lambda _: self._stirred.set())

    def _errand(self, letter: letters.Letter, claimed_at: float) -> Errand:
        self._in_hand["letters"] += 1
        return Errand(
            letter.endpoint, letter.body, letter.retry_key, self._watch.local(letter.moment),
            claimed_at + letters.START_WITHIN, letter.campaign_id, partial(self._letter_done, letter),
        )  # fmt: skip

    def _letter_done(self, letter: letters.Letter, answer: Answer | None) -> None:
        self._in_hand["letters"] -= 1
        self._letters.append(letters.Result(letter, answer, pause=_pause(answer, letter.attempts)))

    def _errands(self, chunk: chunks.Chunk, claimed_at: float) -> list[Errand]:
        self._in_hand["chunks"] += 1
        answers: dict[int, Answer | None] = {}
        return [
            Errand(
                chunk.endpoint, request.body, request.retry_key, self._watch.local(request.moment),
                claimed_at + letters.START_WITHIN, chunk.campaign_id, partial(self._request_done, chunk, answers, n),
            )
            for n, request in enumerate(chunk.requests)
        ]  # fmt: skip

    def _request_done(
        self, chunk: chunks.Chunk, answers: dict[int, Answer | None], n: int, answer: Answer | None
    ) -> None:
        """A chunk is done when each of its requests is."""
        answers[n] = answer
        if len(answers) < len(chunk.requests):
            return
        self._in_hand["chunks"] -= 1
        pause = max((_pause(each, chunk.attempts) for each in answers.values()), default=0.0)
        in_order = [answers[each] for each in range(len(answers))]
        self._chunks.append(closing.ChunkResult(chunk, in_order, pause))

    def _attempt(self, line: Transport, errand: Errand, gate: Gate, done: Callable[[Answer], None]) -> None:
        """One request, now that its moment has come."""

        def heard(answer: Answer) -> None:
            self._watch.hear(answer.verdict)
            done(answer)

        ready = partial(_until_not_crowded, gate)
        line.send(errand.endpoint, errand.body, retry_key=errand.retry_key, done=heard, ready=ready)


async def _until_not_crowded(gate: Gate) -> None:
    """A handshake may have outlasted the moment: others may have left in its place."""
    while gate.is_crowded(time.monotonic()):  # noqa: ASYNC110 - it is time that changes this, and time sets no event
        await asyncio.sleep(0.01)


def _pause(answer: Answer | None, attempts: int) -> float:
    if answer is None or answer.verdict in {"accepted", "refused"}:
        return 0.0
    if answer.verdict in {"limited", "out_of_quota", "locked_out"}:
        return random.uniform(1.0, 2.0)
    return pause_after(attempts - 1)
