"""Two clocks: business time, which practice mode moves forward, and machine time, which nobody moves."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

LINE_ZONE = timezone(timedelta(hours=9))  # LINE counts its days and months in UTC+9


class Clock:
    """Business now = machine time + an offset that the app decides and the simulator follows."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def seconds(self) -> float:
        """Business time as seconds since 1970."""
        return time.time() + self.offset_seconds

    def now(self) -> datetime:
        """Business time, aware, UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def milliseconds(self) -> int:
        """Business time as webhooks carry it."""
        return int(self.seconds() * 1000)

    def month(self) -> str:
        """The month that quota is counted in."""
        return f"{self.now().astimezone(LINE_ZONE):%Y%m}"

    def day(self) -> str:
        """The day that deliveries are counted in."""
        return f"{self.now().astimezone(LINE_ZONE):%Y%m%d}"

    @staticmethod
    def machine() -> float:
        """Machine time: what tokens and rate buckets follow, as they would at LINE."""
        return time.time()
