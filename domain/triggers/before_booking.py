"""A booked visit is near: so many days before, at an hour; or so many hours before.

What would fall into the quiet hours comes before they begin. Whoever books after that moment has the
confirmation instead.
"""

from datetime import datetime, timedelta

from pydantic import model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import Calendar, before_quiet_hours, parse_clock
from domain.wording import say
from models.programme import the_brand
from models.store import Booking


class Params(triggers.Params):
    days: int | None = None
    at: str = "18:00"
    hours: int | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Params":
        if (self.days is None) == (self.hours is None):
            raise ValueError("say either days (and at) or hours")
        return self


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    brand = the_brand(session)
    ahead = timedelta(days=(params.days or 0) + 2, hours=params.hours or 0)
    near = select(Booking).where(
        Booking.state == "confirmed", Booking.starts_at > window.now, Booking.starts_at < window.now + ahead
    )
    found = []
    for booking in session.scalars(near):
        at = before_quiet_hours(brand, window.calendar, _moment(booking.starts_at, params, window.calendar))
        if window.since < at <= window.now and booking.state_at < at:
            cause = f"booking:{booking.ref}:{booking.starts_at.isoformat()}"
            evidence = {"booking": booking.ref, "starts_at": booking.starts_at.isoformat()}
            found.append(triggers.Entry(booking.member_id, cause, at, evidence))
    return found


def _moment(starts_at: datetime, params: Params, calendar: Calendar) -> datetime:
    if params.hours is not None:
        return starts_at - timedelta(hours=params.hours)
    return calendar.at(calendar.day_of(starts_at) - timedelta(days=params.days or 0), parse_clock(params.at))


def words(params: Params, language: str) -> str:
    if params.hours is not None:
        return say(language, "%(n)s hours before a booked visit", n=params.hours)
    return say(language, "%(n)s days before a booked visit, at %(at)s", n=params.days, at=params.at)
