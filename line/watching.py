"""What the sender must know while things are in hand: which campaigns may go no further, whether the channel
may speak, and how the clock that all hosts share stands to this process's own."""

import time
from collections import Counter

from sqlalchemy import select
from sqlalchemy.orm import Session

from line.pacing import Errand
from models.campaign import Campaign
from models.channel import Channel
from models.clock import machine_now
from models.session import Sessions

REMEMBERS = 60.0  # seconds a comparison of the clocks is believed


class SharedTime:
    """The shared clock in terms of `time.monotonic()`: the narrowest comparison of the last minute."""

    def __init__(self) -> None:
        self._low, self._high, self._at = 0.0, float("inf"), float("-inf")

    def compare(self, before: float, shared: float, after: float) -> None:
        """The shared clock showed `shared` at some time between `before` and `after`."""
        low, high = shared - after, shared - before
        moved = low > self._high or high < self._low
        if moved or high - low <= self._high - self._low or after - self._at > REMEMBERS:
            self._low, self._high, self._at = low, high, after

    def local(self, shared: float) -> float:
        return shared - (self._low + self._high) / 2


class Watch:
    """Looked at by the sender's desk each turn; asked by its loop before anything leaves."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._time = SharedTime()
        self._campaigns = Counter[int]()
        self._held: frozenset[int] = frozenset()
        self._is_silent = False

    def took(self, campaign_id: int | None) -> None:
        """Something of this campaign is in hand."""
        if campaign_id is not None:
            self._campaigns[campaign_id] += 1

    def let_go(self, campaign_id: int | None) -> None:
        if campaign_id is not None:
            self._campaigns[campaign_id] -= 1

    def look(self) -> None:
        """Reads what may have changed; for the desk's thread."""
        in_hand = {campaign for campaign, count in list(self._campaigns.items()) if count > 0}
        # Also those held so far: what comes of them goes back at once, so that none is ever found in hand.
        watched = in_hand | self._held
        with self.sessions.reading() as session:
            self._is_silent = session.scalar(select(Channel.stopped_reason).order_by(Channel.id).limit(1)) is not None
            if watched:
                halted = select(Campaign.id).where(Campaign.id.in_(watched), Campaign.state.in_(("paused", "stopped")))
                self._held = frozenset(session.scalars(halted))
            self._compare(session)

    def hear(self, verdict: str) -> None:
        """Without quota or a good token the rest of what is in hand need not be tried."""
        if verdict in {"out_of_quota", "locked_out"}:
            self._is_silent = True

    def is_held(self, errand: Errand) -> bool:
        """Whether it may not leave: its campaign is paused or stopped, or the channel is. Replies are free."""
        if errand.campaign_id in self._held:
            return True
        return self._is_silent and errand.endpoint != "reply"

    def local(self, shared: float) -> float:
        """A moment of the shared clock by this process's own."""
        return self._time.local(shared)

    def _compare(self, session: Session) -> None:
        before = time.monotonic()
        shared = machine_now(session).timestamp()
        self._time.compare(before, shared, time.monotonic())
