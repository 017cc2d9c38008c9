"""When a request leaves: at its moment, and never so that any second could hold too many of them.

Moments are spaced across all hosts by the bucket (line/rate.py). What spacing cannot help is lateness: a
loop that stalled, a process that was stopped and woken, handshakes or a network that held requests back and
let them go at once. So each host also keeps to this: the requests that may have arrived within the last
second are never more than the moments it was given within the last 1.05 seconds. A request may have arrived
at any time between leaving and its answer (less the way there and back at its quickest), so it counts until
a second after that. And a moment is good for only a little while: who is late takes the next one of this host's,
for what one host has missed another may be using up by then. For one host this is at most 1.05 x 95 % of what
LINE allows, whatever was late. Of several, none knows when the others' requests arrive: if those take longer than
the 5 % are worth, a second may hold more (docs/reliability.md). Who is late leaves somewhat faster, never at once.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from line.transport import Answer

SECOND = 1.02  # and a little, because ways are known only roughly
SPREAD = 0.05  # how much longer moments count than requests do: the room that 95 % leaves
GOOD_FOR = 0.04  # seconds a moment may be used after it came: less than SPREAD by the way there
CATCHES_UP = 1.5  # who is late leaves this much faster than moments come, and never in a bunch
TICK = 0.004  # requests whose moments lie this close together leave together
LATE = 1.0  # who has missed their moment by this much is given back, for another moment
AT_FIRST = 32  # so many at once to begin with, and one more with each answer: handshakes are dear
FORGETS = 30.0  # seconds after which the quickest way there and back is measured anew


Send = Callable[["Errand", "Gate", Callable[[Answer], None]], None]


@dataclass(slots=True)
class Errand:
    """One request to make at its moment, by this process's own clock, or not at all (then `done(None)`)."""

    endpoint: str
    body: bytes
    retry_key: str | None
    moment: float
    give_up_at: float
    campaign_id: int | None
    done: Callable[[Answer | None], None]


class Gate:
    """Counts what may have arrived at LINE within the last second against the moments we were given."""

    def __init__(self) -> None:
        self._coming: deque[float] = deque()
        self._given: deque[float] = deque()
        self._unused: deque[float] = deque()
        self._answered: deque[tuple[float, float]] = deque()  # (left, answered)
        self._unanswered = 0
        self._quickest = (float("inf"), float("inf"))  # way there and back, of this spell and of the one before
        self._measured_since = 0.0
        self._gap = self._free_at = 0.0

    def expect(self, moments: Sequence[float]) -> None:
        """These moments were given to us; they come in order, evenly spaced."""
        self._coming.extend(moments)
        if len(moments) > 1:
            self._gap = moments[1] - moments[0]

    def is_open(self, now: float) -> bool:
        """Whether one more may leave."""
        return self._free_at <= now and self._open(now) < len(self._given) and bool(self._unused)

    def is_crowded(self, now: float) -> bool:
        """Whether those that left are too many by now: time went by before they were on the wire."""
        return self._open(now) > len(self._given)

    def left(self, now: float) -> None:
        self._unanswered += 1
        self._unused.popleft()
        self._free_at = max(self._free_at, now - 2 * TICK) + self._gap / CATCHES_UP

    def came_back(self, left_at: float, now: float) -> None:
        """Answered or given up: by now it has arrived, or never will."""
        self._unanswered -= 1
        self._measure(now - left_at, now)
        self._answered.append((left_at, now))

    def _open(self, now: float) -> int:
        while self._coming and self._coming[0] <= now:
            self._unused.append(self._coming[0])
            self._given.append(self._coming.popleft())
        while self._unused and self._unused[0] <= now - GOOD_FOR:
            self._unused.popleft()
        while self._given and self._given[0] <= now - 1.0 - SPREAD:
            self._given.popleft()
        # Answers come a little out of order; a late one in front only makes us wait a moment longer.
        while self._answered and self._arrived(*self._answered[0]) <= now - SECOND:
            self._answered.popleft()
        return self._unanswered + len(self._answered)

    def _arrived(self, left_at: float, answered_at: float) -> float:
        """When it arrived at the latest, by what is known by now of the quickest way."""
        return max(left_at, answered_at - min(self._quickest))

    def _measure(self, took: float, now: float) -> None:
        """The quickest way there and back lately: the part of an answer's time that is no lateness."""
        if now - self._measured_since > FORGETS:
            self._quickest, self._measured_since = (took, self._quickest[0]), now
        else:
            self._quickest = (min(took, self._quickest[0]), self._quickest[1])


class Pacer:
    """Lets one endpoint's errands leave, in the order of their moments."""

    def __init__(
        self,
        send: Send,
        is_held: Callable[[Errand], bool],
        *,
        at_once: int,
    ) -> None:
        self.gate = Gate()
        self._send, self._is_held, self._most = send, is_held, at_once
        self._at_once = AT_FIRST
        self._waiting: deque[Errand] = deque()
        self._some = asyncio.Event()
        self._out = 0
        self._dispatcher: asyncio.Task[None] | None = None

    def add(self, errands: Sequence[Errand]) -> None:
        self._waiting.extend(errands)
        self.gate.expect([errand.moment for errand in errands])
        if self._dispatcher is None:
            self._dispatcher = asyncio.create_task(self._dispatch())
        self._some.set()

    def give_back(self) -> None:
        """What has not begun is not begun; what is out comes home."""
        while self._waiting:
            self._waiting.popleft().done(None)

    async def close(self) -> None:
        if self._dispatcher is not None:
            self._dispatcher.cancel()
            await asyncio.gather(self._dispatcher, return_exceptions=True)

    async def _dispatch(self) -> None:
        while True:
            if not self._waiting:
                self._some.clear()
                await self._some.wait()
                continue
            errand, now = self._waiting[0], time.monotonic()
            if now > errand.give_up_at or now - errand.moment > LATE or self._is_held(errand):
                self._waiting.popleft().done(None)
            elif errand.moment > now:
                # Looked at again soon, however far the moment: a pause is to be noticed while waiting.
                await asyncio.sleep(min(max(errand.moment - now, TICK), 0.1))
            elif self._out >= self._at_once or not self.gate.is_open(now):
                await asyncio.sleep(TICK)
            else:
                self._waiting.popleft()
                self._begin(errand, now)

    def _begin(self, errand: Errand, now: float) -> None:
        self.gate.left(now)
        self._out += 1
        self._send(errand, self.gate, partial(self._came_back, errand, now))

    def _came_back(self, errand: Errand, left_at: float, answer: Answer) -> None:
        self.gate.came_back(left_at, time.monotonic())
        self._out -= 1
        self._at_once = min(self._at_once + 1, self._most)
        errand.done(answer)
