"""From an event to a turn of the conversation: who is speaking, and how to answer."""

from datetime import datetime

from sqlalchemy.orm import Session

from bot.incoming import Incoming
from domain.operations import befriending, resolving
from domain.operations.conversing import Turn


def turn_of(session: Session, event: Incoming, now: datetime) -> Turn:
    friend = befriending.friend_of(session, event.user_id or "", now=now)
    return Turn(
        event_id=event.id,
        member=resolving.the_person(session, friend.member),
        at=event.at,
        reply_token=event.reply_token,
        reply_until=event.reply_until,
        silent=not event.is_active,
    )
