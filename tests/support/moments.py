"""The moment tests happen at, unless they say otherwise: a Tuesday noon in Taipei."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from models.clock import Clock

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


class FixedClock(Clock):
    """Business time stands where it is put."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self.moment = moment

    def now(self, session: Session) -> datetime:
        return self.moment
