"""Access (a paid membership, a club) ends in so many days, at an hour, and nothing follows it; or ended so long ago.

`days` below 0 counts from the end: -7 is a week after it.
"""

from datetime import timedelta

from pydantic import Field
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from domain import triggers
from domain.calendar import parse_clock
from domain.wording import say
from models.benefit import AccessLine


class Params(triggers.Params):
    access: str
    days: int = Field(30, ge=-90, le=366)
    at: str = "10:00"


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    days, calendar = timedelta(days=params.days), window.calendar
    after = aliased(AccessLine)
    goes_on = exists().where(
        after.member_id == AccessLine.member_id, after.key == AccessLine.key, after.id != AccessLine.id,
        after.ended_at.is_(None), or_(after.ends_at.is_(None), after.ends_at > AccessLine.ends_at),
    )  # fmt: skip
    ending = select(AccessLine).where(
        AccessLine.key == params.access,
        AccessLine.ended_at.is_(None),
        AccessLine.ends_at >= calendar.start(calendar.day_of(window.since) + days),
        AccessLine.ends_at < calendar.end(calendar.day_of(window.now) + days),
        ~goes_on,
    )
    found = []
    for line in session.scalars(ending):
        assert line.ends_at is not None  # the query asks for it
        at = calendar.at(calendar.day_of(line.ends_at) - days, parse_clock(params.at))
        if window.since < at <= window.now and line.at < at:
            evidence = {"access": line.key, "until": calendar.day_of(line.ends_at).isoformat()}
            cause = f"access:{line.id}:{line.ends_at.isoformat()}"
            found.append(triggers.Entry(line.member_id, cause, at, evidence))
    return found


def words(params: Params, language: str) -> str:
    if params.days < 0:
        return say(language, "%(n)s days after access to %(what)s ended", n=-params.days, what=params.access)
    return say(language, "when access to %(what)s ends in %(n)s days", n=params.days, what=params.access)
