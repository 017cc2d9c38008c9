"""A person adds or unblocks the account: they are known from now on, and welcomed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from domain.operations import befriending
from door import Service


def take(session: Session, event: dict[str, Any], *, service: Service, now: datetime) -> None:
    befriending.follow(
        session,
        user_id=event["source"]["userId"],
        is_unblocked=bool(event.get("follow", {}).get("isUnblocked")),
        at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
        reply_token=event.get("replyToken"),
        reply_until=now + timedelta(seconds=50),
        now=now,
    )
