"""Renewal rate of paid periods on both databases (M35)."""

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from models.benefit import AccessLine
from models.member import Member
from tests.support.factories import make_member
from tests.support.journey import figure, local, share


def period(session: Session, member: Member, first: date, last: date, **fields: object) -> AccessLine:
    calendar = calendar_of(session)
    line = AccessLine(
        **{"member_id": member.id, "key": "club", "starts_at": calendar.start(first), "at": calendar.start(first),
           "ends_at": calendar.last_second(last), "cause": f"{member.id}:{first}", **fields}
    )  # fmt: skip
    session.add(line)
    session.flush()
    return line


def test_who_was_due_in_the_month_and_who_renewed(session: Session) -> None:
    early, in_grace, too_late, never, taken_back, other_month = (make_member(session) for _ in range(6))
    begin, end = date(2025, 2, 11), date(2026, 2, 10)
    for member in (early, in_grace, too_late, never, taken_back):
        period(session, member, begin, end)
    period(session, early, date(2026, 2, 11), date(2027, 2, 10), at=local(session, date(2026, 1, 5)))
    period(session, in_grace, date(2026, 3, 1), date(2027, 3, 1))
    period(session, too_late, date(2026, 3, 20), date(2027, 3, 20))
    period(session, taken_back, date(2026, 2, 11), date(2027, 2, 10), ended_at=local(session, date(2026, 2, 12)))
    period(session, other_month, date(2025, 3, 1), date(2026, 3, 1))
    found = figure(session, "renewal_rate", "2026-02", as_of=local(session, date(2026, 4, 20)))
    assert share(found) == (2, 5)


def test_whom_the_days_of_grace_have_not_left_yet_is_not_counted_against_us(session: Session) -> None:
    renewed, waiting = make_member(session), make_member(session)
    for member in (renewed, waiting):
        period(session, member, date(2025, 2, 11), date(2026, 2, 10))
    period(session, renewed, date(2026, 2, 11), date(2027, 2, 10))
    as_of: datetime = local(session, date(2026, 3, 1))
    assert share(figure(session, "renewal_rate", "2026-02", as_of=as_of)) == (1, 1)
    late = figure(session, "renewal_rate", "2026-02", as_of=as_of + timedelta(days=30))
    assert share(late) == (1, 2)
