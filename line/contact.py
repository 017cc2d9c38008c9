"""The last look before anything leaves: blocked, refused, erased and stopped people get nothing (I13)."""

import re
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, func, select, update
from sqlalchemy.orm import Session

from models.campaign import Recipient
from models.member import Friend

USER_ID = re.compile(r"U[0-9a-f]{32}")
# LINE remembers a retry key for 24 hours; past this an unclear attempt cannot be repeated safely.
KEY_LIFE = timedelta(hours=23)


def refusal(facts: Any, *, kind: str) -> str | None:
    """Why this person may not be spoken to; None when they may.

    `facts` has erased_at, marketing_consent, is_following and user_id.
    """
    if facts.erased_at is not None:
        return "erased"
    if facts.user_id is None or not USER_ID.fullmatch(facts.user_id):
        return "no_line_id"
    if facts.is_following is False:
        return "blocked"
    return "opted_out" if kind == "marketing" and not facts.marketing_consent else None


def settle_recipients(
    session: Session, which: ColumnElement[bool], state: str, *, reason: str | None = None, now: datetime
) -> None:
    """Brings recipient rows that are still `ready` in step with what became of their message."""
    change: Update = update(Recipient).where(which, Recipient.state == "ready")
    values: dict[str, Any] = {"state": state, "reason": reason}
    if state == "sent":
        follows = select(func.coalesce(Friend.is_following, False)).where(Friend.member_id == Recipient.member_id)
        values |= {"sent_at": now, "was_reachable": follows.scalar_subquery()}
    session.execute(change.values(values).execution_options(synchronize_session=False))
