"""An event that is normally there and has fallen silent (L3)."""

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy.orm import Session

from domain.calendar import Month, days_between
from domain.reports.recording_check import Silence, silences
from tests.support.factories import make_member, make_purchase
from tests.support.journey import happened, local

JUNE = Month(2026, 6)
FIRST, LAST = date(2026, 4, 1), date(2026, 6, 30)


def clicks(session: Session, on: Callable[[date], int]) -> None:
    member = make_member(session)
    for day in days_between(FIRST, LAST):
        for n in range(on(day)):
            happened(session, member, "clicked", local(session, day, 9 + n))


def found(session: Session, *, today: date = date(2026, 7, 5)) -> list[Silence]:
    return [each for each in silences(session, JUNE, today=today) if each.kind == "clicked"]


def test_two_silent_days_are_noticed_on_the_third(session: Session) -> None:
    clicks(session, lambda day: 0 if day >= date(2026, 6, 20) else 5)
    assert found(session, today=date(2026, 6, 21)) == []
    assert found(session, today=date(2026, 6, 22)) == [Silence("clicked", date(2026, 6, 20), date(2026, 6, 21), 5)]


def test_long_silence_does_not_become_the_usual(session: Session) -> None:
    clicks(session, lambda day: 0 if day >= date(2026, 5, 10) else 5)
    (silence,) = found(session)
    assert (silence.since, silence.until, silence.days) == (date(2026, 5, 10), LAST, 52)


def test_a_gap_inside_the_month_is_noticed(session: Session) -> None:
    clicks(session, lambda day: 0 if date(2026, 6, 5) <= day <= date(2026, 6, 8) else 5)
    assert [each.days for each in found(session)] == [4]


def test_rare_events_and_closed_days_are_no_silence(session: Session) -> None:
    clicks(session, lambda day: 0 if day >= date(2026, 6, 20) else 4)
    assert found(session) == []


def test_shops_that_close_two_days_a_week_are_not_silent(session: Session) -> None:
    clicks(session, lambda day: 0 if day.weekday() in {0, 1} else 6)
    assert found(session) == []


def test_orders_are_watched_too(session: Session) -> None:
    for day in days_between(FIRST, date(2026, 6, 9)):
        for n in range(6):
            make_purchase(session, None, paid_at=local(session, day, 9 + n), amount=1)
    (silence,) = silences(session, JUNE, today=date(2026, 7, 1))
    assert (silence.kind, silence.since - timedelta(days=1)) == ("purchase", date(2026, 6, 9))
