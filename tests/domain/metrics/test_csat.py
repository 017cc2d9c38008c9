"""Satisfied: 4 and 5 of five, with Wilson's interval."""

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from domain.reports import survey_results
from tests.domain.metrics.test_nps import answered_by, make_survey
from tests.support.journey import figure, local, share


def test_EX_21_forty_two_of_fifty_are_satisfied(session: Session, now: datetime) -> None:
    form = make_survey(session, "csat")
    answered_by(session, form, [4, 5] * 21 + [1, 2, 3, 3] * 2, now - timedelta(days=1))
    found = survey_results.result(session, form, now=now)
    assert (found.high, found.n) == (42, 50)
    assert found.csat is not None
    assert (round(100 * found.csat.low, 1), round(100 * found.csat.high, 1)) == (71.5, 91.7)


def test_the_month_counts_who_answered_in_it(session: Session) -> None:
    form = make_survey(session, "csat")
    answered_by(session, form, [4, 3, 5], local(session, date(2026, 2, 3)))
    answered_by(session, form, [1], local(session, date(2026, 1, 31), 23))
    assert share(figure(session, "csat", "2026-02", as_of=local(session, date(2026, 3, 9)))) == (2, 3)
