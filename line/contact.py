"""The last look before anything leaves: blocked, refused, erased and stopped people get nothing (I13).

Nor does marketing go to whoever is unhappy with us and waits to hear from staff.

Asked of one person's facts in Python, and of everyone in a query in SQL: one answer.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, Update, case, cast, func, literal, null, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.campaign import Recipient
from models.member import Friend, Member
from models.staff import care_is_open

USER_ID = re.compile(r"U[0-9a-f]{32}")
# LINE remembers a retry key for 24 hours; past this an unclear attempt cannot be repeated safely.
KEY_LIFE = timedelta(hours=23)


def refusal(facts: Any, *, kind: str) -> str | None:
    """Why this person may not be spoken to; None when they may.

    `facts` has erased_at, marketing_consent, care_is_open, is_following and user_id.
    """
    if facts.erased_at is not None:
        return "erased"
    if facts.user_id is None or not USER_ID.fullmatch(facts.user_id):
        return "no_line_id"
    if facts.is_following is False:
        return "blocked"
    if kind != "marketing":
        return None
    if not facts.marketing_consent:
        return "opted_out"
    return "care_open" if facts.care_is_open else None


def marketing_refusal() -> ColumnElement[str | None]:
    """`refusal` of marketing, over Member and Friend."""
    # The length too: `$` lets a line end stand behind.
    is_an_id = Friend.user_id.regexp_match(f"^{USER_ID.pattern}$") & (func.length(Friend.user_id) == 33)
    return case(
        (Member.erased_at.is_not(None), "erased"),
        (or_(Friend.user_id.is_(None), ~is_an_id), "no_line_id"),
        (Friend.is_following.is_(False), "blocked"),
        (func.coalesce(Member.marketing_consent, False).is_(False), "opted_out"),
        (care_is_open(Member.id), "care_open"),
        else_=cast(null(), String),
    )


def was_following(
    member_id: InstrumentedAttribute[int], moment: ColumnElement[datetime] | InstrumentedAttribute[datetime | None]
) -> ColumnElement[bool]:
    """Whether this person followed us at that moment, which is not long ago and at which nothing said otherwise."""
    since = Friend.state_at > moment
    # What changed since then was the other way round before; who followed anew had left only since.
    before = case((Friend.is_following.is_(True), func.coalesce(Friend.first_followed_at <= moment, False)), else_=True)
    known = case((Friend.is_following.is_(None), False), (since, before), else_=Friend.is_following)
    found = select(known).where(Friend.member_id == member_id).scalar_subquery()
    return func.coalesce(found, False)


def settle_recipients(
    session: Session, which: ColumnElement[bool], state: str, *, reason: str | None = None, now: datetime
) -> None:
    """Brings recipient rows that are still `ready` in step with what became of their message."""
    change: Update = update(Recipient).where(which, Recipient.state == "ready")
    values: dict[str, Any] = {"state": state, "reason": reason}
    if state == "sent":
        moment = literal(now, Recipient.due_at.type)
        values |= {"sent_at": now, "was_reachable": was_following(Recipient.member_id, moment)}
    session.execute(change.values(values).execution_options(synchronize_session=False))
