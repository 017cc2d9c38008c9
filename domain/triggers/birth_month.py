"""The person's birth month begins. Once a calendar year; 29 February is February."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import Month
from domain.wording import say
from models.member import Member


class Params(triggers.Params):
    pass


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    month, last = window.calendar.month_of(window.since), window.calendar.month_of(window.now)
    found = []
    while month != last:
        month = month.plus(1)
        found += _born_in(session, month, window)
    return found


def _born_in(session: Session, month: Month, window: triggers.Window) -> list[triggers.Entry]:
    at = window.calendar.start(month.first)
    born = select(Member.id, Member.birth_date).where(
        Member.birth_month == month.number,
        Member.registered_at <= at,
        Member.erased_at.is_(None),
        Member.merged_into_id.is_(None),
    )
    return [
        triggers.Entry(member_id, f"birthday:{month.year}", at, {"birth_month": month.number})
        for member_id, _ in session.execute(born)
    ]


def words(params: Params, language: str) -> str:
    return say(language, "when their birth month begins")
