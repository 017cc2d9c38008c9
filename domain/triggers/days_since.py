"""So many days have passed since the last purchase, or since the last sign of life.

A silence begins with the last purchase day (or last own action) and is one silence until the next.
"""

from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, select, union_all
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
    """People whose latest day lies in the window: seen then, and on no later day. Only the window is read."""
    sources = [_bought()] if params.last == "purchase" else [_bought(), _acted()]
    then = union_all(*(each.where(each.selected_columns.day.between(first, last)) for each in sources)).subquery()
    latest = select(then.c.member_id, func.max(then.c.day).label("day")).group_by(then.c.member_id).subquery()
    later = [_later(each, latest.c.member_id, last) for each in sources]
    return (
        select(latest.c.member_id, latest.c.day)
        .join(Member, Member.id == latest.c.member_id)
        .where(Member.registered_at.is_not(None), Member.erased_at.is_(None), *(~each for each in later))
    )


def _bought() -> Select[int | None, date]:
    return select(Purchase.member_id, Purchase.day).where(Purchase.net_amount > 0, Purchase.member_id.is_not(None))


def _acted() -> Select[int | None, date]:
    return select(Event.member_id, Event.day).where(Event.kind.in_(OWN_ACTIONS), Event.member_id.is_not(None))


def _later(source: Select[int | None, date], member_id: ColumnElement[int], last: date) -> ColumnElement[bool]:
    columns = source.selected_columns
    return source.where(columns.member_id == member_id, columns.day > last).correlate(member_id.table).exists()


def words(params: Params, language: str) -> str:
    if params.last == "purchase":
        return say(language, "when %(n)s days have passed since the last purchase", n=params.days)
    return say(language, "when %(n)s days have passed without a sign of life", n=params.days)
