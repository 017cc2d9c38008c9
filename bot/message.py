"""A person writes: words are heard; pictures, stickers and the rest are only stored."""

from datetime import datetime

from sqlalchemy.orm import Session

from bot import copies
from bot.incoming import Incoming
from bot.turns import turn_of
from domain.operations import conversing
from domain.operations.befriending import Profile


def take(session: Session, event: Incoming, _profile: Profile | None, now: datetime) -> None:
    words = event.text("message", "text")
    if event.text("message", "type") != "text" or words is None:
        return
    message_id = (event.text("message", "id") or "")[:64] or None
    if message_id and copies.was_taken_back(session, message_id):
        copies.erase(session, message_id)
        return
    conversing.hear(session, turn_of(session, event, now), text=words, message_id=message_id, now=now)
