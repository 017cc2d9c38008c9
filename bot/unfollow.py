"""A person blocks the account: kept, and not sent to."""

from datetime import datetime

from sqlalchemy.orm import Session

from bot.incoming import Incoming
from domain.operations import befriending
from domain.operations.befriending import Profile


def take(session: Session, event: Incoming, _profile: Profile | None, now: datetime) -> None:
    befriending.unfollow(session, user_id=event.user_id or "", at=event.at, now=now)
