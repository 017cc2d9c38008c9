"""Months to choose from on a report."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.reports.told._shape import Choice, Teller, chosen
from domain.wording import mark

BACK = 24


def month_choice(
    session: Session, given: str | None, say: Teller, now: datetime, *, name: str = "month", label: str = "",
    latest: int = 0, default: int = 1,
) -> Choice:  # fmt: skip
    """One of the last months; `latest` months before this one is the last to choose, `default` before it is chosen."""
    running = calendar_of(session).month_of(now)
    months = [str(running.plus(-back)) for back in range(latest, BACK)]
    options = [(month, say.month(month)) for month in months]
    return Choice(name, label or say(mark("Month")), options, chosen(options, given, str(running.plus(-default))))


def last_months(session: Session, now: datetime) -> list[str]:
    """The month that runs and the one before: those that are looked at."""
    running = calendar_of(session).month_of(now)
    return [str(running), str(running.plus(-1))]


def quarter_of(month: Month) -> str:
    return f"{month.year}-Q{(month.number - 1) // 3 + 1}"
