"""So many days have passed since the last purchase, or since the last sign of life.

A silence begins with the last purchase day (or last own action) and is one silence until the next.
"""

from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from domain import triggers
from domain.events import OWN_ACTIONS
from domain.wording import say
from models.event import Event
from models.member import Member
from models.purchase import Purchase


class Params(triggers.Params):
    last: Literal["purchase", "activity"]
    days: int


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    days = timedelta(days=params.days)
    first = window.calendar.day_of(window.since) - days
    last = window.calendar.day_of(window.now) - days
    found = []
    for member_id, day in session.execute(_last_days(params, first, last)):
        at = window.calendar.start(day + days)
        if window.since < at <= window.now:
            evidence = {f"last_{params.last}": day.isoformat(), "days": params.days}
            found.append(triggers.Entry(member_id, f"silence:{params.last}:{day}", at, evidence))
    return found


def _last_days(params: Params, first: date, last: date) -> Select[Any]:
    """People whose latest day lies in the window; buyers only, for purchases."""
    bought = select(Purchase.member_id.label("member_id"), func.max(Purchase.day).label("day")).where(
        Purchase.net_amount > 0, Purchase.member_id.is_not(None)
    )
    if params.last == "purchase":
        latest = bought.group_by(Purchase.member_id).subquery()
    else:
        acted = select(Event.member_id, Event.day).where(Event.kind.in_(OWN_ACTIONS), Event.member_id.is_not(None))
        paid = select(Purchase.member_id, Purchase.day).where(Purchase.net_amount > 0, Purchase.member_id.is_not(None))
        both = acted.union_all(paid).subquery()
        latest = select(both.c.member_id, func.max(both.c.day).label("day")).group_by(both.c.member_id).subquery()
    return (
        select(latest.c.member_id, latest.c.day)
        .join(Member, Member.id == latest.c.member_id)
        .where(latest.c.day.between(first, last), Member.registered_at.is_not(None), Member.erased_at.is_(None))
    )


def words(params: Params, language: str) -> str:
    if params.last == "purchase":
        return say(language, "when %(n)s days have passed since the last purchase", n=params.days)
    return say(language, "when %(n)s days have passed without a sign of life", n=params.days)
