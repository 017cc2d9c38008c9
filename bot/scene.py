"""What every event needs and none changes: the brand, the channel, our answers. Read once for a batch."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import conversing
from models.channel import the_channel
from models.clock import Clock
from models.programme import RichMenu, the_brand


class Scene:
    """As it was when the batch began."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._ahead = clock.now(session) - datetime.now(UTC)
        self._rows: list[Any] = [the_brand(session), the_channel(session)]
        self._known = {
            "brand": self._rows[0], "channel": self._rows[1], "keywords": conversing.keywords(session),
        }  # fmt: skip
        self.has_menus = session.scalar(select(RichMenu.id).where(RichMenu.line_id.is_not(None)).limit(1)) is not None

    def now(self) -> datetime:
        """The business's now."""
        return datetime.now(UTC) + self._ahead

    def lend(self, session: Session) -> None:
        """Makes it known to an event's session, which then need not ask for it."""
        session.add_all(self._rows)
        session.info.update(self._known)
