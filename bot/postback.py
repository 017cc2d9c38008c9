"""A person presses a button, a quick reply or a menu area that talks to us, or picks a date."""

from datetime import datetime

from sqlalchemy.orm import Session

from bot.incoming import Incoming
from bot.turns import turn_of
from domain.operations import conversing
from domain.operations.befriending import Profile


def take(session: Session, event: Incoming, _profile: Profile | None, now: datetime) -> None:
    picked = event.part("postback").get("params")
    params = (
        {name: value for name, value in picked.items() if isinstance(value, str)} if isinstance(picked, dict) else {}
    )
    data = event.text("postback", "data") or ""
    conversing.press(session, turn_of(session, event, now), data=data, params=params, now=now)
