"""Which file answers which kind of event; what nobody answers is only stored."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from bot import follow, message, postback, unfollow, unsend
from bot.incoming import Incoming
from domain.operations.befriending import Profile

Taker = Callable[[Session, Incoming, Profile | None, datetime], None]
TAKERS: dict[str, Taker] = {
    "follow": follow.take,
    "unfollow": unfollow.take,
    "message": message.take,
    "postback": postback.take,
    "unsend": unsend.take,
}


def take(session: Session, event: Incoming, profile: Profile | None, now: datetime) -> bool:
    """Gives the event its effects; False when there are none to give."""
    taker = TAKERS.get(event.type)
    if taker is None or event.user_id is None:
        return False
    taker(session, event, profile, now)
    return True
