"""Points that can be used end in so many days, at an hour: once for each day on which some end."""

from datetime import timedelta

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import parse_clock
from domain.wording import say
from models.points import PointLot


class Params(triggers.Params):
    days: int = Field(30, ge=0, le=366)
    at: str = "10:00"
    least: int = Field(1, ge=1)  # fewer are not worth a message


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    days, calendar = timedelta(days=params.days), window.calendar
    points = func.sum(PointLot.remaining)
    ending = (
        select(PointLot.member_id, PointLot.expires_at, points)
        .where(
            PointLot.expires_at >= calendar.start(calendar.day_of(window.since) + days),
            PointLot.expires_at < calendar.end(calendar.day_of(window.now) + days),
            PointLot.expires_at > window.now,
            PointLot.remaining > 0,
        )
        .group_by(PointLot.member_id, PointLot.expires_at)
        .having(points >= params.least)
    )
    found = []
    for member_id, expires_at, several in session.execute(ending):
        assert expires_at is not None  # the query asks for it
        last_day = calendar.day_of(expires_at)
        at = calendar.at(last_day - days, parse_clock(params.at))
        if window.since < at <= window.now:
            evidence = {"points": int(several), "until": last_day.isoformat()}
            found.append(triggers.Entry(member_id, f"points:{last_day}", at, evidence))
    return found


def words(params: Params, language: str) -> str:
    return say(language, "when points of theirs end in %(n)s days", n=params.days)
