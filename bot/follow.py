"""A person adds or unblocks the account: they are known from now on, and welcomed."""

from datetime import datetime

from sqlalchemy.orm import Session

from bot.incoming import Incoming
from domain.operations import befriending
from domain.operations.befriending import Profile


def take(session: Session, event: Incoming, profile: Profile | None, now: datetime) -> None:
    befriending.follow(
        session,
        user_id=event.user_id or "",
        is_unblocked=event.part("follow").get("isUnblocked") is True,
        at=event.at,
        reply_token=event.reply_token,
        reply_until=event.reply_until,
        profile=profile,
        silent=not event.is_active,
        now=now,
    )
