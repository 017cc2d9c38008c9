"""What the sender has in hand: claimed, not yet answered. Each errand waits for its moment at its endpoint's pacer."""

import asyncio
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from line.pacing import Errand, Pacer, Send
from line.transport import CONNECTIONS, Answer
from line.watching import Watch


class Hand:
    """Lets errands go at their moments and gives back those that may not go any more."""

    def __init__(self, send: Send, watch: Watch) -> None:
        self.count = 0
        self._send, self._watch = send, watch
        self._pacers: dict[str, Pacer] = {}
        self._empty = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pacer in self._pacers.values():
            await pacer.close()

    def take(self, errands: Iterable[Errand]) -> None:
        """Puts errands of one kind in hand, in the order of their moments."""
        by_endpoint: dict[str, list[Errand]] = {}
        for errand in errands:
            self.count += 1
            self._watch.took(errand.campaign_id)
            errand.done = self._counted(errand)
            by_endpoint.setdefault(errand.endpoint, []).append(errand)
        for endpoint, some in by_endpoint.items():
            self._pacer(endpoint).add(some)

    def give_back(self) -> None:
        """Nothing more begins."""
        for pacer in self._pacers.values():
            pacer.give_back()

    async def until_empty(self, seconds: float) -> None:
        """Until nothing is in hand, or so long."""
        self._empty.clear()
        if self.count:
            try:
                await asyncio.wait_for(self._empty.wait(), seconds)
            except TimeoutError:
                return

    def _pacer(self, endpoint: str) -> Pacer:
        if endpoint not in self._pacers:
            self._pacers[endpoint] = Pacer(self._send, self._watch.is_held, at_once=CONNECTIONS)
        return self._pacers[endpoint]

    def _counted(self, errand: Errand) -> Callable[[Answer | None], None]:
        done = errand.done

        def counted(answer: Answer | None) -> None:
            self.count -= 1
            self._watch.let_go(errand.campaign_id)
            done(answer)
            if not self.count:
                self._empty.set()

        return counted
