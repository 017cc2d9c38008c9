"""A person takes a message back: our copies go too."""

from datetime import datetime

from sqlalchemy.orm import Session

from bot import copies
from bot.incoming import Incoming
from domain.operations import conversing
from domain.operations.befriending import Profile


def take(session: Session, event: Incoming, _profile: Profile | None, now: datetime) -> None:
    message_id = event.text("unsend", "messageId")
    if message_id:
        conversing.take_back(session, message_id=message_id)
        copies.erase(session, message_id)
