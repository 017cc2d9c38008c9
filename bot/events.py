"""Which file answers which kind of event; what nobody answers is only stored."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot import follow
from door import Service

Taker = Callable[..., None]
TAKERS: dict[str, Taker] = {"follow": follow.take}


def take(session: Session, event: dict[str, Any], *, service: Service, now: datetime) -> None:
    taker = TAKERS.get(event["type"])
    if taker is not None and event.get("mode") == "active":
        taker(session, event, service=service, now=now)
